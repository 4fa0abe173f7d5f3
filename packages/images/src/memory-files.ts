/**
 * A file system in memory for the simulator and for tests: no input or output, no timers, no threads. It keeps
 * apart what was written and what is durable, so that a power loss can be tried at any step.
 */

import type { Clock } from '@atoll/kit'
import type { FileStat, Files, WritableFile } from './files.ts'

export interface MemoryFilesOptions {
  /** Gives the times of modification. */
  readonly clock: Clock
  /** Size of the simulated disk; a write beyond it fails with `ENOSPC`. */
  readonly capacityBytes?: number
}

interface Node {
  bytes: Uint8Array
  /** What a power loss leaves of the bytes: those of the last sync. */
  durable: Uint8Array
  modifiedMs: number
}

export class MemoryFiles implements Files {
  readonly #clock: Clock
  readonly #capacityBytes: number
  #nodes = new Map<string, Node>()
  /** The names that a power loss leaves. */
  #durable = new Map<string, Node>()

  constructor({ clock, capacityBytes = Number.MAX_SAFE_INTEGER }: MemoryFilesOptions) {
    this.#clock = clock
    this.#capacityBytes = capacityBytes
  }

  /** Forgets all that was not synced: bytes of files, and names of directories. */
  losePower(): void {
    this.#nodes = new Map(this.#durable)
    for (const node of this.#nodes.values()) node.bytes = node.durable
  }

  // Directories are only prefixes of names here; nothing depends on empty ones.
  async makeDirectory(_path: string): Promise<void> {}

  async list(path: string): Promise<readonly string[]> {
    const prefix = `${path}/`
    const names = new Set<string>()
    for (const name of this.#nodes.keys()) {
      if (name.startsWith(prefix)) names.add(name.slice(prefix.length).split('/', 1)[0] ?? '')
    }
    return [...names].sort()
  }

  async stat(path: string): Promise<FileStat | undefined> {
    const node = this.#nodes.get(path)
    return node && { sizeBytes: node.bytes.length, modifiedMs: node.modifiedMs }
  }

  async touch(path: string): Promise<void> {
    this.#node(path).modifiedMs = this.#clock.nowMs()
  }

  async read(path: string, bytesMax: number): Promise<Uint8Array | undefined> {
    return this.#nodes.get(path)?.bytes.slice(0, bytesMax)
  }

  async create(path: string): Promise<WritableFile> {
    const empty = new Uint8Array()
    const node: Node = { bytes: empty, durable: empty, modifiedMs: this.#clock.nowMs() }
    this.#nodes.set(path, node)
    return {
      write: async (bytes, position) => {
        await this.#resize(node, Math.max(node.bytes.length, position + bytes.length))
        node.bytes.set(bytes, position)
      },
      truncate: (sizeBytes) => this.#resize(node, sizeBytes),
      sync: async () => {
        node.durable = node.bytes
      },
      close: async () => {},
    }
  }

  async rename(from: string, to: string): Promise<void> {
    this.#nodes.set(to, this.#node(from))
    this.#nodes.delete(from)
  }

  async remove(path: string): Promise<void> {
    this.#nodes.delete(path)
  }

  async syncDirectory(path: string): Promise<void> {
    const isInside = (name: string) => name.slice(0, name.lastIndexOf('/')) === path
    for (const name of this.#durable.keys()) if (isInside(name)) this.#durable.delete(name)
    for (const [name, node] of this.#nodes) if (isInside(name)) this.#durable.set(name, node)
  }

  async freeBytes(_path: string): Promise<number> {
    if (this.#capacityBytes === Number.MAX_SAFE_INTEGER) return this.#capacityBytes
    let used = 0
    for (const { bytes } of this.#nodes.values()) used += bytes.length
    return this.#capacityBytes - used
  }

  #node(path: string): Node {
    const node = this.#nodes.get(path)
    if (!node) throw Object.assign(new Error(`ENOENT: no such file, '${path}'`), { code: 'ENOENT' })
    return node
  }

  // Always a new array, so that the durable bytes stay as they were.
  async #resize(node: Node, sizeBytes: number): Promise<void> {
    if (sizeBytes - node.bytes.length > (await this.freeBytes(''))) {
      throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })
    }
    const bytes = new Uint8Array(sizeBytes)
    bytes.set(node.bytes.subarray(0, sizeBytes))
    node.bytes = bytes
    node.modifiedMs = this.#clock.nowMs()
  }
}
