/** Which workspace may import which: the layers of the architecture as a table. */

/** From the ground up; a workspace imports only from those before it. */
const LAYERS: readonly string[] = [
  'packages/kit',
  'packages/rome',
  'packages/state',
  'packages/overlay',
  'packages/simulator',
  'packages/images',
  'packages/hypervisor',
  'packages/fabric',
  'packages/scheduler',
  'packages/http',
  'packages/sdk',
  'packages/lab',
  'services/*',
  'apps/peer',
  'apps/dashboard',
  'apps/cli',
  'bench',
  'test',
]

/**
 * Services know nothing of each other: what one needs of another it states as an interface, and the composition root
 * connects them. An entry here is an exception, with its reason.
 */
export const SERVICES_OF_SERVICES: Readonly<Record<string, Readonly<Record<string, string>>>> = {}

/** Stand-ins for the world and drivers of real machines: nothing of production stands on them. */
const FOR_TRYING: Readonly<Record<string, readonly string[]>> = {
  'packages/lab': ['apps/cli', 'bench', 'test'],
  'packages/simulator': ['apps/cli', 'bench', 'test'],
}

/** Why `from` must not import `to`, as advice; undefined when it may. Both are folders of workspaces. */
export function refuseImport(from: string, to: string): string | undefined {
  const users = FOR_TRYING[to]
  if (users && !users.includes(from))
    return `${to} is for ${users.join(', ')} only; state what you need as an interface`
  if (isService(from) && isService(to)) {
    if (SERVICES_OF_SERVICES[from]?.[to]) return undefined
    return `services do not import each other; state what you need of ${to} as an interface and let apps/peer connect it`
  }
  const [fromLayer, toLayer] = [layerOf(from), layerOf(to)]
  if (fromLayer < 0) return `give ${from} a place in the layers of test/tidy/layers.ts`
  if (toLayer < fromLayer) return undefined
  return `${to} is not below ${from}; turn the dependency round, or pass it in as a parameter`
}

function isService(folder: string): boolean {
  return folder.startsWith('services/')
}

function layerOf(folder: string): number {
  return LAYERS.indexOf(isService(folder) ? 'services/*' : folder)
}
