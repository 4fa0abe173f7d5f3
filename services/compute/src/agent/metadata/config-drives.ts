/** Config drives: the files that a guest reads about itself as a read-only file system, for guests that ask no network. */

import { defineError } from '@atoll/kit'
import type { MetadataFiles } from './metadata-tree.ts'

/** Keeps the config drives of the servers of one machine. */
export interface ConfigDrives {
  /**
   * Makes the drive of a server, in place of an earlier one, and answers with its path. Callers make one at a time for
   * each server. @throws ConfigDriveFailed, GenisoimageMissing
   */
  make(serverId: string, files: MetadataFiles): Promise<string>
  /** Removes the drive of a server, which may hold secrets of its owner. One that is not there is no error. */
  remove(serverId: string): Promise<void>
}

export const ConfigDriveFailed = defineError({
  code: 'compute.config_drive.failed',
  status: 500,
  fault: 'computeFault',
  message: ({ reason }: { reason: string }) => `The config drive could not be made: ${reason}`,
})

export const GenisoimageMissing = defineError<Record<never, never>>({
  code: 'compute.config_drive.genisoimage_missing',
  status: 500,
  fault: 'computeFault',
  message: () =>
    'genisoimage was not found on this host. Install it, on Debian with: apt-get install genisoimage',
})

/** The drives of simulated guests, which read nothing. */
export function simulatedConfigDrives(): ConfigDrives {
  return { make: async (serverId) => `/config-drives/${serverId}.iso`, remove: async () => {} }
}
