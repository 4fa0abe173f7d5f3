/** Picks the drivers that the guest needs out of Debian's kernel package, in an order in which they can be loaded. */

import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'

export interface KernelModule {
  /** As in `modules.dep`: dashes are underscores. */
  readonly name: string
  readonly content: Buffer
}

/**
 * The modules `names` of the tree `modulesDirectory` (…/lib/modules/<release>) and all that they depend on; each
 * stands behind those that it needs. Names that are built into the kernel are left out.
 */
export async function kernelModules(
  modulesDirectory: string,
  names: readonly string[],
): Promise<readonly KernelModule[]> {
  const paths = new Map<string, string>()
  for (const path of await readdir(modulesDirectory, { recursive: true })) {
    if (path.endsWith('.ko')) paths.set(moduleName(path), join(modulesDirectory, path))
  }
  const ordered = new Map<string, KernelModule>()
  const add = async (name: string): Promise<void> => {
    const path = paths.get(name)
    if (path === undefined || ordered.has(name)) return
    const content = await readFile(path)
    for (const dependency of dependenciesOf(content)) await add(dependency)
    ordered.set(name, { name, content })
  }
  for (const name of names) await add(name)
  return [...ordered.values()]
}

function moduleName(path: string): string {
  return basename(path, '.ko').replaceAll('-', '_')
}

/** The section `.modinfo` of a module holds `depends=a,b` between zero bytes; no other section has that text. */
function dependenciesOf(module: Buffer): readonly string[] {
  const mark = Buffer.from('\0depends=')
  const start = module.indexOf(mark)
  if (start < 0) return []
  const from = start + mark.length
  const list = module.toString('latin1', from, module.indexOf(0, from))
  return list === '' ? [] : list.split(',').map((name) => name.replaceAll('-', '_'))
}
