/** The body of `POST /servers`, as it grew from version to version. */

import { Type } from 'typebox'
import { boolean, closed, description, metadata, name, tag, uuid, wholeNumber } from '../schemas.ts'

/** The versions at which the body changed. */
export const CREATE_STEPS = [
  '2.1',
  '2.19',
  '2.32',
  '2.33',
  '2.37',
  '2.42',
  '2.52',
  '2.57',
  '2.63',
  '2.67',
  '2.74',
]

export interface RequestedNetwork {
  readonly uuid?: string
  readonly port?: string | null
  readonly fixed_ip?: string
  readonly tag?: string
}

export interface RequestedBlockDevice {
  readonly source_type?: 'volume' | 'image' | 'snapshot' | 'blank'
  readonly destination_type?: 'local' | 'volume'
  readonly uuid?: string
  readonly image_id?: string
  readonly boot_index?: number | string | null
  readonly tag?: string
}

/** All hints are accepted; of groups of servers there are none, so naming one is an error. */
export interface SchedulerHints {
  readonly group?: string | readonly string[]
}

/** The body in its widest form. */
export interface CreateBody {
  readonly server: {
    readonly name: string
    readonly flavorRef: string | number
    readonly imageRef?: string
    readonly metadata?: Readonly<Record<string, string>>
    readonly networks?: readonly RequestedNetwork[] | 'none' | 'auto'
    readonly 'OS-DCF:diskConfig'?: 'AUTO' | 'MANUAL'
    readonly accessIPv4?: string
    readonly accessIPv6?: string
    readonly personality?: readonly unknown[]
    readonly availability_zone?: string
    readonly block_device_mapping?: readonly unknown[]
    readonly block_device_mapping_v2?: readonly RequestedBlockDevice[]
    readonly config_drive?: boolean | string
    readonly key_name?: string
    readonly min_count?: number | string
    readonly max_count?: number | string
    readonly return_reservation_id?: boolean | string
    readonly security_groups?: readonly { readonly name?: string }[]
    readonly user_data?: string
    readonly description?: string | null
    readonly tags?: readonly string[]
    readonly trusted_image_certificates?: readonly string[] | null
    readonly host?: string
    readonly hypervisor_hostname?: string
  }
  readonly 'os:scheduler_hints'?: SchedulerHints
  readonly 'OS-SCH-HNT:scheduler_hints'?: SchedulerHints
}

const ipv4 = Type.Unsafe<string>({
  anyOf: [
    { type: 'string', format: 'ipv4' },
    { type: 'string', maxLength: 0 },
  ],
})
const ipv6 = Type.Unsafe<string>({
  anyOf: [
    { type: 'string', pattern: '^[0-9a-fA-F:.]{2,45}$' },
    { type: 'string', maxLength: 0 },
  ],
})
export const diskConfig = Type.Unsafe<'AUTO' | 'MANUAL'>({ type: 'string', enum: ['AUTO', 'MANUAL'] })
export const accessAddresses = { accessIPv4: Type.Optional(ipv4), accessIPv6: Type.Optional(ipv6) }

const text = (maxLength = 255) => Type.Optional(Type.String({ maxLength }))
const fqdn = Type.Optional(Type.String({ minLength: 1, maxLength: 255, pattern: '^[a-zA-Z0-9-._]*$' }))

const legacyBlockDevice = {
  virtual_name: text(),
  volume_id: Type.Optional(uuid),
  snapshot_id: Type.Optional(uuid),
  volume_size: Type.Optional(wholeNumber(1)),
  device_name: Type.Optional(Type.String({ minLength: 1, maxLength: 255, pattern: '^[a-zA-Z0-9._/-]*$' })),
  delete_on_termination: Type.Optional(boolean),
  no_device: Type.Optional(Type.Unknown()),
  connection_info: text(65_535),
}

const blockDevice = {
  ...legacyBlockDevice,
  source_type: Type.Optional(
    Type.Unsafe<string>({ type: 'string', enum: ['volume', 'image', 'snapshot', 'blank'] }),
  ),
  uuid: Type.Optional(Type.String({ minLength: 1, maxLength: 255, pattern: '^[a-zA-Z0-9._-]*$' })),
  image_id: Type.Optional(uuid),
  destination_type: Type.Optional(Type.Unsafe<string>({ type: 'string', enum: ['local', 'volume'] })),
  guest_format: text(),
  device_type: text(),
  disk_bus: text(),
  boot_index: Type.Optional(
    Type.Unsafe<number | string | null>({ type: ['integer', 'string', 'null'], pattern: '^-?[0-9]+$' }),
  ),
}

const hints = Type.Optional(
  Type.Object(
    {
      group: Type.Optional(
        Type.Unsafe({
          anyOf: [
            { type: 'string', format: 'uuid' },
            { type: 'array', items: uuid },
          ],
        }),
      ),
    },
    { additionalProperties: true },
  ),
)

/** The schema for the versions from a step on. */
export function createBodySince(has: (version: string) => boolean) {
  const networkTag = has('2.42') || (has('2.32') && !has('2.37'))
  const deviceTag = has('2.42') || (has('2.32') && !has('2.33'))
  const network = closed({
    fixed_ip: Type.Optional(Type.Unsafe({ type: 'string', minLength: 1, maxLength: 45 })),
    port: Type.Optional(Type.Unsafe({ type: ['string', 'null'], format: 'uuid' })),
    uuid: Type.Optional(has('2.37') ? uuid : Type.String({ maxLength: 255 })),
    ...(networkTag && { tag: Type.Optional(tag) }),
  })
  const networkList = Type.Array(network, { maxItems: 64 })
  const networks = has('2.37')
    ? Type.Union([networkList, Type.Unsafe({ type: 'string', enum: ['none', 'auto'] })])
    : Type.Optional(networkList)
  const server = closed({
    name,
    flavorRef: Type.Unsafe({ type: ['string', 'integer'], minLength: 1, maxLength: 255 }),
    imageRef: Type.Optional(
      Type.Unsafe({
        anyOf: [
          { type: 'string', format: 'uuid' },
          { type: 'string', maxLength: 0 },
        ],
      }),
    ),
    adminPass: text(),
    metadata: Type.Optional(metadata),
    networks,
    'OS-DCF:diskConfig': Type.Optional(diskConfig),
    ...accessAddresses,
    availability_zone: Type.Optional(name),
    block_device_mapping: Type.Optional(Type.Array(closed(legacyBlockDevice), { maxItems: 64 })),
    block_device_mapping_v2: Type.Optional(
      Type.Array(
        closed({
          ...blockDevice,
          ...(deviceTag && { tag: Type.Optional(tag) }),
          ...(has('2.67') && {
            volume_type: Type.Optional(Type.Unsafe({ type: ['string', 'null'], maxLength: 255 })),
          }),
        }),
        { maxItems: 64 },
      ),
    ),
    config_drive: Type.Optional(boolean),
    key_name: Type.Optional(name),
    min_count: Type.Optional(wholeNumber(1)),
    max_count: Type.Optional(wholeNumber(1)),
    return_reservation_id: Type.Optional(boolean),
    security_groups: Type.Optional(Type.Array(closed({ name: Type.Optional(name) }), { maxItems: 64 })),
    user_data: Type.Optional(Type.String({ maxLength: 65_535, format: 'base64' })),
    ...(!has('2.57') && { personality: Type.Optional(Type.Array(Type.Object({}), { maxItems: 64 })) }),
    ...(has('2.19') && { description: Type.Optional(description) }),
    ...(has('2.52') && { tags: Type.Optional(Type.Array(tag, { maxItems: 50 })) }),
    ...(has('2.63') && {
      trusted_image_certificates: Type.Optional(
        Type.Union([
          Type.Array(Type.String({ minLength: 1, maxLength: 255 }), { minItems: 1, maxItems: 50 }),
          Type.Null(),
        ]),
      ),
    }),
    ...(has('2.74') && { host: fqdn, hypervisor_hostname: fqdn }),
  })
  return Type.Unsafe<CreateBody>(
    closed({ server, 'os:scheduler_hints': hints, 'OS-SCH-HNT:scheduler_hints': hints }),
  )
}
