/**
 * Who is asking. Nothing is read from the store without a scope, and scopes are made in two places only: by the
 * authorization gate for a request, and by a named reconciler for itself.
 */

export type Scope = ProjectScope | CloudScope

/** Sees the records of one project, and those that their tables show to everyone. */
export interface ProjectScope {
  readonly kind: 'project'
  /** Null for a token without a project: it sees only what is shown to everyone. */
  readonly projectId: string | null
  readonly userId: string
}

/** Sees the records of all projects. */
export interface CloudScope {
  readonly kind: 'cloud'
  /** Who may see everything and why, for the log: `administrator`, or the name of a reconciler. */
  readonly reason: string
}

export function projectScope(projectId: string | null, userId: string): ProjectScope {
  return { kind: 'project', projectId, userId }
}

export function cloudScope(reason: string): CloudScope {
  return { kind: 'cloud', reason }
}
