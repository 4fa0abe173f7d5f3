/** Answers one metadata request from a tree: files as they are, directories as a list of names, as EC2 does. */

import { type MetadataTree, OPENSTACK_VERSIONS } from './metadata-tree.ts'

export interface MetadataAnswer {
  readonly status: number
  readonly contentType: string
  readonly body: string
}

export function answerMetadata(tree: MetadataTree, path: string): MetadataAnswer {
  const wanted = path.split('?')[0]?.split('/').filter(Boolean).join('/') ?? ''
  const file = tree.get(wanted)
  if (file !== undefined) {
    return {
      status: 200,
      contentType: wanted.endsWith('.json') ? 'application/json' : 'text/plain',
      body: file,
    }
  }
  const names = wanted === 'openstack' ? [...OPENSTACK_VERSIONS] : childrenOf(tree, wanted)
  if (names.length === 0) return { status: 404, contentType: 'text/plain', body: 'Not Found\n' }
  return { status: 200, contentType: 'text/plain', body: names.join('\n') }
}

// EC2 writes a slash behind a directory's name, and keys as `0=name`; the number alone is what guests use.
function childrenOf(tree: MetadataTree, directory: string): string[] {
  const prefix = directory === '' ? '' : `${directory}/`
  const names = new Set<string>()
  for (const path of tree.keys()) {
    if (!path.startsWith(prefix)) continue
    const [name = '', ...rest] = path.slice(prefix.length).split('/')
    names.add(rest.length > 0 ? `${name}/` : name)
  }
  const sorted = [...names].sort()
  return directory === '' ? sorted.map((name) => name.replace(/\/$/, '')) : sorted
}
