/** The few file operations that the stores need, as an interface: so that a test and the simulator can make them fail. */

/**
 * Paths are absolute, with `/`. As POSIX has it, written bytes survive a power loss only after `sync` of the file,
 * and a created, renamed or removed name only after `syncDirectory` of its directory.
 * A full disk is an error with the code `ENOSPC` or `EDQUOT`.
 */
export interface Files {
  /** Makes the directory and its parents, durably; one that exists is no error. */
  makeDirectory(path: string): Promise<void>
  /** The names in a directory, sorted; none when it does not exist. */
  list(path: string): Promise<readonly string[]>
  /** Undefined when nothing is there. */
  stat(path: string): Promise<FileStat | undefined>
  /** Sets the time of modification to now. */
  touch(path: string): Promise<void>
  /** The whole file, but not more than `bytesMax` of it; undefined when it does not exist. */
  read(path: string, bytesMax: number): Promise<Uint8Array | undefined>
  /** Makes an empty file, or empties the one that is there. Callers must close it. */
  create(path: string): Promise<WritableFile>
  /** Atomically replaces what is at `to`. */
  rename(from: string, to: string): Promise<void>
  /** Removes a file; one that is absent is no error. */
  remove(path: string): Promise<void>
  syncDirectory(path: string): Promise<void>
  /** Bytes that may still be written to the file system that holds `path`. */
  freeBytes(path: string): Promise<number>
}

export interface FileStat {
  readonly sizeBytes: number
  /** Milliseconds since the Unix epoch. */
  readonly modifiedMs: number
}

export interface WritableFile {
  write(bytes: Uint8Array, position: number): Promise<void>
  /** Sets the size; what grows reads as zeros and takes no space. */
  truncate(sizeBytes: number): Promise<void>
  sync(): Promise<void>
  close(): Promise<void>
}

/** True for the error of a file operation with one of these codes. */
export function hasErrorCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code))
}
