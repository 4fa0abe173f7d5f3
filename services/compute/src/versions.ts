/** Which microversions of Nova this API speaks, and helpers for what differs between them. */

import { type Context, type Endpoint, type MicroversionRange, parseMicroversion } from '@atoll/http'

/**
 * Everything up to the maximum is honoured for the resources that are offered. 2.86 asks for the validation of
 * extra specs against Nova's own registry, which is where we stop.
 */
export const microversions: MicroversionRange = {
  serviceType: 'compute',
  legacyHeader: 'X-OpenStack-Nova-API-Version',
  min: '2.1',
  max: '2.85',
}

/** True when the request asks for at least `version`. */
export function isSince({ microversion }: Pick<Context, 'microversion'>, version: string): boolean {
  return microversion >= parseMicroversion(version)
}

/** One endpoint for each range of versions that begins at a step and ends before the next. */
export function byVersion(
  steps: readonly string[],
  build: (has: (version: string) => boolean) => Endpoint,
): Endpoint[] {
  return steps.map((since, index) => {
    const next = steps[index + 1]
    const from = parseMicroversion(since)
    const endpoint = build((version) => from >= parseMicroversion(version))
    return { ...endpoint, since, ...(next !== undefined && { until: before(next) }) }
  })
}

function before(version: string): string {
  const [major = '', minor = ''] = version.split('.')
  return `${major}.${Number(minor) - 1}`
}
