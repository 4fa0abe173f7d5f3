/** Which methods a path has: for the answer to a request that no route took. */

/**
 * Which methods a path knows, for a request that no route took. Routes for all other methods would be most of a server's
 * memory, for answers that are hardly ever given.
 */
export function methodFinder(
  methodsByPath: ReadonlyMap<string, ReadonlySet<string>>,
): (path: string) => string[] {
  let patterns: { readonly pattern: RegExp; readonly methods: ReadonlySet<string> }[] | undefined
  return (path) => {
    patterns ??= [...methodsByPath].map(([url, methods]) => ({ pattern: patternOf(url), methods }))
    const known = patterns.flatMap(({ pattern, methods }) => (pattern.test(path) ? [...methods] : []))
    return [...new Set(known)].sort()
  }
}

/** `:name` is one segment, `:name(^pattern$)` one of that form: what our paths use of the router's grammar. */
function patternOf(url: string): RegExp {
  const segments = url.split('/').map((segment) => {
    const [, form] = /^:\w+(?:\(\^?(.+?)\$?\))?$/.exec(segment) ?? []
    return form ?? (segment.startsWith(':') ? '[^/]+' : segment.replaceAll(/\W/g, '\\$&'))
  })
  return new RegExp(`^${segments.join('/')}$`)
}
