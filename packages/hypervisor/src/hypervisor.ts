/** What every hypervisor driver does: start guests, stop them, find them again, and say what happened to them. */

/**
 * Runs the guests of one host. Guests outlive the process that holds the driver: a new driver over the same host
 * finds them with `list`. Operations on one guest happen one after the other; each is idempotent and may be
 * repeated after a crash at any point. Callers must hold at most one open driver per host.
 */
export interface Hypervisor {
  /** The driver's name: `qemu`, `simulated`. */
  readonly kind: string
  /** What the host offers, before anything is claimed. */
  describe(): Promise<HostResources>
  /** Every guest that was started here and not destroyed, in order of id, those of earlier processes too. */
  list(): Promise<readonly GuestState[]>
  /** One guest as `list` has it, at the cost of one; undefined for a guest that is not here. */
  get(id: string): Promise<GuestState | undefined>
  /** What a guest was last started with, or was to be; undefined for a guest that is not here. */
  specOf(id: string): Promise<GuestSpec | undefined>
  /**
   * Makes the guest run; resolves when the virtual machine exists, not when its system has booted.
   * A running guest runs on untouched: with a higher fence it is taken over, with the same one nothing happens. A
   * paused guest is resumed. The root disk is made from its base at the first start and kept until `destroy`.
   *
   * @throws StaleFence when the host knows a higher fence for this guest
   * @throws GuestStartFailed when it cannot run; `start` and `destroy` are both possible afterwards
   */
  start(spec: GuestSpec): Promise<void>
  /**
   * Ends the guest; its disk and console stay. A guest that does not run, crashed ones included, becomes `shutdown`.
   *
   * @throws GuestNotFound
   */
  stop(id: string, options: StopOptions): Promise<void>
  /**
   * Soft: the guest shuts itself down and boots again, by force when `graceMs` is over. Hard: reset at once, and a
   * guest that does not run is started as it last was. A soft one that waits is done when a hard one comes.
   *
   * @throws GuestNotFound
   * @throws GuestNotRunning for a soft reboot of a guest that does not run
   */
  reboot(id: string, options: StopOptions): Promise<void>
  /** Ends the guest and removes all that this host keeps of it. An unknown guest is no error. Raises no event. */
  destroy(id: string): Promise<void>
  /**
   * What the guest wrote to its serial console, from the last boots, at most `CONSOLE_BYTES_MAX`.
   *
   * @throws GuestNotFound
   */
  consoleOutput(id: string, options?: ConsoleOptions): Promise<string>
  /** Events are hints to look again with `list`: none is delivered twice on purpose, and any may be missing. */
  subscribe(listener: GuestListener): () => void
  /** Lets go of the guests, which run on. Afterwards every operation throws HypervisorClosed. */
  close(): Promise<void>
}

/** Nova's own limit of a console log (`MAX_CONSOLE_BYTES` of its libvirt driver). */
export const CONSOLE_BYTES_MAX = 102_400

export interface HostResources {
  /** As Nova's `hypervisor_type`. */
  readonly hypervisorType: string
  /** As Nova's `hypervisor_version`: 7.2.22 is 7002022. */
  readonly hypervisorVersion: number
  readonly accelerator: 'kvm' | 'tcg' | 'simulated'
  /** Why this accelerator, for the operator. */
  readonly acceleratorReason: string
  readonly vcpus: number
  readonly ramMib: number
  /** Size of the file system that holds the root disks. */
  readonly diskBytes: number
}

export interface GuestSpec {
  /** The server's id: a UUID in lower case with dashes. */
  readonly id: string
  readonly name: string
  /** Generation of this start (a whole number). The host refuses a start with a lower one than it has seen. */
  readonly fence: number
  readonly vcpus: number
  readonly ramMib: number
  readonly rootDisk: RootDisk
  /** Boots this kernel instead of the root disk's boot loader (Nova's `kernel_id` and `ramdisk_id`). */
  readonly kernel?: GuestKernel
  /** A file system image labelled `config-2`, attached read-only. */
  readonly configDrivePath?: string
  readonly interfaces: readonly GuestInterface[]
}

export interface RootDisk {
  /** Never written. Callers must keep it as long as the guest exists. */
  readonly basePath: string
  readonly baseFormat: 'raw' | 'qcow2'
  /** Size that the guest sees; callers must not give less than the base has. */
  readonly sizeBytes: number
}

export interface GuestKernel {
  readonly kernelPath: string
  readonly initrdPath: string
  readonly commandLine: string
}

export interface GuestInterface {
  readonly portId: string
  readonly macAddress: string
  /** A tap device that exists. */
  readonly tapName: string
  readonly mtu: number
}

/** `crashed`: ended although neither the guest nor anybody else asked for it, or its kernel panicked. */
export type GuestPower = 'running' | 'paused' | 'shutdown' | 'crashed'

export interface GuestState {
  readonly id: string
  readonly fence: number
  readonly power: GuestPower
  /** The process that runs the guest. */
  readonly pid?: number
}

export interface StopOptions {
  readonly mode: 'soft' | 'hard'
  /** How long a guest may take to answer the power button before force is used. Ignored when hard. */
  readonly graceMs: number
}

export interface ConsoleOptions {
  /** Only the last so many lines. */
  readonly lines?: number
}

export interface GuestEvent {
  readonly id: string
  readonly kind: GuestEventKind
}

export type GuestEventKind = 'started' | 'rebooted' | 'paused' | 'resumed' | 'shutdown' | 'crashed'

export type GuestListener = (event: GuestEvent) => void
