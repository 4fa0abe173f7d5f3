/** The settings of a peer: `settings.yaml` in its data directory, checked against one schema, every default written here. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { FAILURE_DOMAIN_PATTERN, FAILURE_DOMAINS_MAX } from '@atoll/federation'
import { validateBody } from '@atoll/http'
import { defineError } from '@atoll/kit'
import { isSharedStore } from '@atoll/rome'
import { type Static, Type } from 'typebox'
import { parse, stringify } from 'yaml'

const Port = Type.Integer({ minimum: 1, maximum: 65535 })
const Host = Type.String({ minLength: 1, maxLength: 255 })

export const SettingsSchema = Type.Object(
  {
    /**
     * Where the state of the site is: `redis://`, `etcd://`, `postgresql://` … with its servers; what a store promises when one
     * of its nodes dies is in the guide on stores. A site with several peers needs one that they share. Default: a SQLite file in the data directory.
     */
    store: Type.Optional(Type.String({ minLength: 1, maxLength: 2048 })),
    api: Type.Object(
      {
        /** Address that the OpenStack APIs listen on. Loopback unless told, since the API is plain HTTP. */
        host: Type.Optional(Host),
        /** One port for all services, which differ by path: `/identity`, `/compute` … */
        port: Type.Optional(Port),
        /** How clients reach it, when that differs from the `Host` header that they send. */
        publicUrl: Type.Optional(Type.String({ pattern: '^https?://[^/]+$' })),
      },
      { additionalProperties: false, default: {} },
    ),
    peer: Type.Object(
      {
        /** Address that other sites' peers connect to, by mutual TLS. */
        host: Type.Optional(Host),
        port: Type.Optional(Port),
        /** Under which address they reach it; default: `host`. */
        advertise: Type.Optional(Host),
        /**
         * How many sites' feeds are followed closely, the nearest; the others are asked when gossip tells of news. Default: 32.
         * Larger: replicas of far sites are fresher by some seconds, and each costs both sides a request a second.
         */
        closeSitesMax: Type.Optional(Type.Integer({ minimum: 0, maximum: 1000 })),
        /**
         * What the site fails together with, such as `grid:north` or `provider:acme`: sites that share one do not stand ready for each
         * other while others can. The same at all peers of a site. Default: none, so that only distance tells sites apart.
         */
        failureDomains: Type.Optional(
          Type.Array(Type.String({ pattern: FAILURE_DOMAIN_PATTERN }), {
            maxItems: FAILURE_DOMAINS_MAX,
            uniqueItems: true,
          }),
        ),
      },
      { additionalProperties: false, default: {} },
    ),
    host: Type.Object(
      {
        /** `qemu` runs real guests and needs root; `simulated` pretends; `none` makes this peer serve APIs only. */
        hypervisor: Type.Optional(
          Type.Union([Type.Literal('qemu'), Type.Literal('simulated'), Type.Literal('none')]),
        ),
        accel: Type.Optional(Type.Union([Type.Literal('auto'), Type.Literal('kvm'), Type.Literal('tcg')])),
        /** Where other hosts send this one's tenant frames; default: the peer's advertised address. */
        tunnelIp: Type.Optional(Type.String({ format: 'ipv4' })),
        /** How many simulated hosts. */
        count: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000 })),
        /** What is offered; default: what the machine has, less what the peer itself needs. */
        vcpus: Type.Optional(Type.Integer({ minimum: 1 })),
        ramMib: Type.Optional(Type.Integer({ minimum: 64 })),
        diskGib: Type.Optional(Type.Integer({ minimum: 1 })),
        /**
         * Where guests, their networks and the images that they run from are kept. Default: the data directory. Peers of one
         * site on one machine that name the same directory share its host: one serves it, the others stand by.
         */
        directory: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
        /**
         * What images may take as files; those that guests run from stay in any case. Default: 50. Larger spares
         * bringing one from another site again; smaller leaves room for disks.
         */
        imageCacheGib: Type.Optional(Type.Integer({ minimum: 1 })),
      },
      { additionalProperties: false, default: {} },
    ),
    log: Type.Object(
      {
        level: Type.Optional(
          Type.Union(['debug', 'info', 'warn', 'error'].map((level) => Type.Literal(level))),
        ),
      },
      { additionalProperties: false, default: {} },
    ),
  },
  { additionalProperties: false },
)

export type Settings = Static<typeof SettingsSchema>

/** What a peer does when nothing else is said. */
export const DEFAULT_API_PORT = 8774
export const DEFAULT_PEER_PORT = 8775
export const DEFAULT_IMAGE_CACHE_GIB = 50

export const SettingsInvalid = defineError({
  code: 'peer.settings.invalid',
  status: 400,
  fault: 'badRequest',
  message: ({ path, reason }: { path: string; reason: string }) =>
    `The settings in ${path} cannot be used: ${reason}`,
})

const settingsPath = (dataDirectory: string) => join(dataDirectory, 'settings.yaml')

/** Reads the settings of a data directory; without a file, all defaults. @throws SettingsInvalid */
export function readSettings(dataDirectory: string): Settings {
  const path = settingsPath(dataDirectory)
  const text = existsSync(path) ? readFileSync(path, 'utf8') : ''
  try {
    return validateBody(SettingsSchema, parse(text) ?? {})
  } catch (error) {
    throw SettingsInvalid({ path, reason: reasonOf(error) })
  }
}

/** The address of the site's store. */
export function storeUrlOf(dataDirectory: string, { store }: Settings): string {
  const path = join(dataDirectory, 'state.sqlite').split('/').map(encodeURIComponent).join('/')
  return store ?? `sqlite:${path}`
}

/** Writes settings for the next start. @throws SettingsInvalid, StoreUrlInvalid, StoreKindUnknown before anything is written */
export function writeSettings(dataDirectory: string, settings: Settings): void {
  const path = settingsPath(dataDirectory)
  try {
    validateBody(SettingsSchema, structuredClone(settings))
  } catch (error) {
    throw SettingsInvalid({ path, reason: reasonOf(error) })
  }
  if (settings.store !== undefined) isSharedStore(settings.store)
  writeFileSync(path, stringify(settings), { mode: 0o600 })
}

/** What is wrong, without what stands beside it: the lines after the first and the cause may show the store's password. */
function reasonOf(error: unknown): string {
  const [first = ''] = (error as Error).message.split('\n', 1)
  return first.replaceAll(/:\/\/[^\s@]*@/g, '://***@')
}
