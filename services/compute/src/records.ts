/** The records of compute. */

import { boolean, integer, json, text } from '@atoll/rome'
import { defineRecord, type RecordTable } from '@atoll/state'

/** A compute host, with what is claimed of it: the claim and the server are written in one transaction. */
export const hosts = defineRecord(
  'hosts',
  {
    /** Unique in the cloud: `<zone>-<name>`. */
    name: text(),
    /** The availability zone that the host belongs to. */
    availability_zone: text(),
    hypervisor_type: text<'QEMU' | 'fake'>('QEMU'),
    hypervisor_version: integer(),
    cpu_model: text(),
    /** Where other hosts send this one's tenant frames. */
    tunnel_ip: text(),
    vcpus: integer(),
    ram_mib: integer(),
    disk_gib: integer(),
    vcpus_used: integer(),
    ram_mib_used: integer(),
    disk_gib_used: integer(),
    servers_count: integer(),
    /** How many virtual CPUs a real one stands for; RAM and disk are never over-committed. */
    cpu_allocation_ratio: integer(16),
    /** False when an operator takes the host out of service. */
    enabled: boolean(true),
    disabled_reason: text().nullable(),
    /** True while an operator says that the host is down, whatever it reports itself. */
    forced_down: boolean(),
  },
  {
    audience: 'everyone',
    indexes: [['name'], ['availability_zone']],
    // Nobody can offer hosts in the name of another zone.
    soleHome: (row) => row.availability_zone,
  },
)

export const flavors = defineRecord(
  'flavors',
  {
    /** The id that clients use; any text. */
    flavor_id: text(),
    name: text(),
    description: text().nullable(),
    vcpus: integer(),
    ram_mib: integer(),
    disk_gib: integer(),
    ephemeral_gib: integer(),
    swap_mib: integer(),
    rxtx_factor: integer(1),
    is_public: boolean(true),
    extra_specs: json<Readonly<Record<string, string>>>({}),
    /** Projects that may use a flavor which is not public. */
    access_project_ids: json<readonly string[]>([]),
  },
  { audience: 'everyone', authority: () => 'default', indexes: [['flavor_id'], ['name']] },
)

/** A user's key; `name` is unique for its user, at whose home it is kept. */
export const keypairs = defineRecord(
  'keypairs',
  {
    user_id: text(),
    name: text(),
    kind: text<'ssh' | 'x509'>('ssh'),
    public_key: text(),
    fingerprint: text(),
  },
  { audience: (query, scope) => query('user_id', '=', scope.userId), indexes: [['user_id', 'name']] },
)

export type VmState = 'building' | 'active' | 'stopped' | 'error' | 'deleted'
export type TaskState =
  | 'scheduling'
  | 'spawning'
  | 'powering-off'
  | 'powering-on'
  | 'rebooting'
  | 'rebooting_hard'
  | 'deleting'
/** What the owner wants; the host agent makes it true. */
export type PowerIntent = 'running' | 'stopped' | 'deleted'

/** What a server keeps of its flavor: a flavor may change or go while its servers live. */
export interface EmbeddedFlavor {
  readonly id: string
  readonly original_name: string
  readonly vcpus: number
  readonly ram: number
  readonly disk: number
  readonly ephemeral: number
  readonly swap: number
  readonly extra_specs: Readonly<Record<string, string>>
}

export interface Fault {
  readonly code: number
  readonly message: string
  readonly created_ms: number
}

/** What the owner asked for by name, so that the guest can tell its devices apart. */
export interface DeviceTag {
  readonly device: 'nic' | 'disk'
  /** Of a network interface. */
  readonly port_id?: string
  readonly tag: string
}

/** One thing that somebody asked of a server; see `ACTIONS_KEPT`. */
export interface ServerAction {
  readonly action: string
  readonly request_id: string
  readonly user_id: string
  readonly start_ms: number
}

/** How many of a server's latest actions are kept: the record is replicated as a whole, so it must stay small. */
export const ACTIONS_KEPT = 20

export const servers = defineRecord(
  'servers',
  {
    name: text(),
    description: text().nullable(),
    hostname: text(),
    user_id: text(),
    /** Name of the host that runs it, or '' when none had room. */
    host: text(),
    availability_zone: text(),
    image_id: text(),
    flavor: json<EmbeddedFlavor>({
      id: '',
      original_name: '',
      vcpus: 0,
      ram: 0,
      disk: 0,
      ephemeral: 0,
      swap: 0,
      extra_specs: {},
    }),
    key_name: text().nullable(),
    /** The key itself, since the keypair may be deleted or live elsewhere. */
    public_key: text().nullable(),
    user_data: text().nullable(),
    has_config_drive: boolean(),
    metadata: json<Readonly<Record<string, string>>>({}),
    tags: json<readonly string[]>([]),
    /** Names that the client gave and reads back. */
    security_groups: json<readonly string[]>(['default']),
    disk_config: text<'AUTO' | 'MANUAL'>('MANUAL'),
    access_ip_v4: text(),
    access_ip_v6: text(),
    device_tags: json<readonly DeviceTag[]>([]),
    /** The latest first. */
    actions: json<readonly ServerAction[]>([]),
    /** Ids of the ports in the order of the interfaces. */
    port_ids: json<readonly string[]>([]),
    /** Those of them that were made with the server and go with it. */
    own_port_ids: json<readonly string[]>([]),
    reservation_id: text(),
    launch_index: integer(),

    /** What the owner wants. */
    intent: text<PowerIntent>('running'),
    /** Rises with each reboot asked for; the agent performs one when `reboots_done` lags. */
    reboots_wanted: integer(),
    reboot_kind: text<'SOFT' | 'HARD'>('SOFT'),
    /** Fencing: rises whenever the server may start anew on a host; every start carries it. */
    fence: integer(1),

    /** What the host reported. */
    vm_state: text<VmState>('building'),
    task_state: text<TaskState>().nullable(),
    /** Nova's numbers: 0 no state, 1 running, 3 paused, 4 shutdown, 6 crashed. */
    power_state: integer(),
    reboots_done: integer(),
    launched_at: integer().nullable(),
    fault: json<Fault | null>(null).nullable(),
  },
  { indexes: [['host']] },
)

/** Quota of a project that differs from the default. -1 is unlimited. */
export const quotas = defineRecord(
  'quotas',
  { limits: json<Readonly<Record<string, number>>>({}) },
  // Kept with the project's record, which is everywhere.
  { unique: [['project_id']], isEverywhere: true },
)

export const computeRecords = [hosts, flavors, keypairs, servers, quotas] as unknown as readonly RecordTable[]
