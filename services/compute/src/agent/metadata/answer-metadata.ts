/** Answers one metadata request from a tree: files as they are, directories as a list of names, as Nova and EC2 do. */

import { EC2_VERSIONS, type MetadataTree, OPENSTACK_VERSIONS } from './metadata-tree.ts'

export interface MetadataAnswer {
  readonly status: number
  readonly contentType: string
  readonly body: Buffer
}

/** @param path the path of the request, with or without a slash at its end */
export function answerMetadata(tree: MetadataTree, path: string): MetadataAnswer {
  const wanted = path.split('?', 1)[0]?.split('/').filter(Boolean).join('/') ?? ''
  const file = tree.files.get(wanted)
  if (file) {
    return { status: 200, contentType: wanted.endsWith('.json') ? 'application/json' : PLAIN, body: file }
  }
  const names = namesIn(tree, wanted)
  return names.length === 0 ? plainAnswer(404, 'Not Found\n') : plainAnswer(200, names.join('\n'))
}

export function plainAnswer(status: number, text: string): MetadataAnswer {
  return { status, contentType: PLAIN, body: Buffer.from(text) }
}

const PLAIN = 'text/plain; charset=utf-8'

function namesIn({ files, labels }: MetadataTree, directory: string): readonly string[] {
  // Versions are listed bare, and the root lists EC2's only: its clients take every line for a version.
  if (directory === '') return EC2_VERSIONS
  if (directory === 'openstack') return OPENSTACK_VERSIONS
  const prefix = `${directory}/`
  const names = new Set<string>()
  for (const path of files.keys()) {
    if (!path.startsWith(prefix)) continue
    const [name = '', ...rest] = path.slice(prefix.length).split('/')
    names.add(rest.length === 0 ? name : (labels.get(prefix + name) ?? `${name}/`))
  }
  return [...names].sort()
}
