/** The query of a list of servers, as it grew from version to version. */

import { Type } from 'typebox'
import { pagingParameters, parameter, textParameter } from '../schemas.ts'

export const LIST_STEPS = ['2.1', '2.26', '2.66', '2.73', '2.75']

/** Nova's sort keys and our columns; null for those that it takes and ignores, and for what a server here has not. */
export const sortColumns: Readonly<Record<string, string | null>> = {
  access_ip_v4: 'access_ip_v4',
  access_ip_v6: 'access_ip_v6',
  auto_disk_config: 'disk_config',
  availability_zone: 'availability_zone',
  config_drive: 'has_config_drive',
  created_at: 'created_at',
  display_description: 'description',
  display_name: 'name',
  host: 'host',
  hostname: 'hostname',
  image_ref: 'image_id',
  instance_type_id: null,
  kernel_id: null,
  key_name: 'key_name',
  launch_index: 'launch_index',
  launched_at: 'launched_at',
  locked_by: null,
  node: 'host',
  power_state: 'power_state',
  progress: null,
  project_id: 'project_id',
  ramdisk_id: null,
  root_device_name: null,
  task_state: 'task_state',
  terminated_at: 'deleted_at',
  updated_at: 'updated_at',
  user_id: 'user_id',
  uuid: 'id',
  vm_state: 'vm_state',
}

const ignoredSortKeys = [
  'architecture',
  'cell_name',
  'cleaned',
  'default_ephemeral_device',
  'default_swap_device',
  'deleted',
  'deleted_at',
  'disable_terminate',
  'ephemeral_gb',
  'ephemeral_key_uuid',
  'id',
  'key_data',
  'launched_on',
  'memory_mb',
  'os_type',
  'reservation_id',
  'root_gb',
  'shutdown_terminate',
  'user_data',
  'vcpus',
  'vm_mode',
]

const filters = [
  'user_id',
  'project_id',
  'tenant_id',
  'launch_index',
  'image_ref',
  'image',
  'kernel_id',
  'ramdisk_id',
  'hostname',
  'key_name',
  'power_state',
  'vm_state',
  'task_state',
  'host',
  'node',
  'flavor',
  'reservation_id',
  'launched_at',
  'terminated_at',
  'availability_zone',
  'name',
  'display_name',
  'description',
  'display_description',
  'locked_by',
  'uuid',
  'root_device_name',
  'config_drive',
  'access_ip_v4',
  'access_ip_v6',
  'auto_disk_config',
  'progress',
  'sort_dir',
  'all_tenants',
  'soft_deleted',
  'deleted',
  'status',
  'changes-since',
  'ip',
  'ip6',
  'created_at',
]

/** What Nova refuses to filter by, so that nobody filters by what it joins internally. */
export const FORBIDDEN_FILTERS = [
  'block_device_mapping',
  'services',
  'metadata',
  'system_metadata',
  'info_cache',
  'security_groups',
  'pci_devices',
]

export type ListQuery = Readonly<Record<string, readonly string[] | undefined>>

export function listQuerySince(has: (version: string) => boolean) {
  const sortKeys = [
    ...Object.keys(sortColumns),
    ...(has('2.75') ? [] : ignoredSortKeys),
    ...(has('2.73') || !has('2.75') ? ['locked'] : []),
  ]
  const names = [
    ...filters,
    ...FORBIDDEN_FILTERS,
    ...(has('2.26') ? ['tags', 'tags-any', 'not-tags', 'not-tags-any'] : []),
    ...(has('2.66') ? ['changes-before'] : []),
    ...(has('2.73') ? ['locked'] : []),
  ]
  return Type.Unsafe<ListQuery>({
    ...Type.Object(
      {
        ...Object.fromEntries(names.map((name) => [name, textParameter])),
        ...pagingParameters,
        sort_key: parameter(Type.Unsafe<string>({ type: 'string', enum: sortKeys })),
      },
      { additionalProperties: !has('2.75') },
    ),
    patternProperties: { '^_': textParameter },
  })
}
