/** What compute asks of the image service. */

import type { Scope } from '@atoll/state'

export interface ImagesForCompute {
  /** The image, when `scope` may see it. */
  find(scope: Scope, id: string): Promise<ImageForCompute | undefined>
}

export interface ImageForCompute {
  readonly id: string
  readonly status: string
  readonly size_bytes: number | null
  readonly virtual_size_bytes: number | null
  readonly min_disk_gib: number
  readonly min_ram_mib: number
}
