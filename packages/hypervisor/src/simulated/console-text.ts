/** What a cloud image writes to its console while it boots, as far as it has come. */

export interface ConsoleTextOptions {
  readonly name: string
  readonly bootCount: number
  /** How long this boot takes to the login prompt. */
  readonly bootMs: number
}

/** Lines of one boot, each with the share of the boot time after which it appears. */
const BOOT_LINES: readonly (readonly [share: number, text: string])[] = [
  [0, 'Linux version 6.1.0-simulated (atoll@simulator) #1 SMP PREEMPT_DYNAMIC'],
  [0, 'Command line: BOOT_IMAGE=/vmlinuz root=/dev/vda1 ro console=ttyS0'],
  [0, 'DMI: OpenStack Foundation OpenStack Nova'],
  [0.1, 'virtio_blk virtio1: [vda] attached'],
  [0.2, 'EXT4-fs (vda1): mounted filesystem with ordered data mode'],
  [0.3, 'systemd[1]: Detected virtualization qemu.'],
]

/**
 * The present boot up to `elapsedMs`, after the whole of the one before. Earlier ones have left the console.
 *
 * @param elapsedMs since the start of the present boot
 */
export function consoleText(options: ConsoleTextOptions, elapsedMs: number): string {
  const { bootCount, bootMs } = options
  if (bootCount === 0) return ''
  const before = bootCount > 1 ? oneBoot(options, bootMs) : ''
  return before + oneBoot(options, elapsedMs)
}

function oneBoot({ name, bootMs }: ConsoleTextOptions, elapsedMs: number): string {
  const hostname = hostnameOf(name)
  const timed = [...BOOT_LINES, [0.4, `systemd[1]: Hostname set to <${hostname}>.`] as const]
    .filter(([share]) => share * bootMs <= elapsedMs)
    .map(([share, text]) => `[${((share * bootMs) / 1000).toFixed(6).padStart(12)}] ${text}\r\n`)
  const prompt = `\r\nSimulated GNU/Linux 12 ${hostname} ttyS0\r\n\r\n${hostname} login: `
  return timed.join('') + (elapsedMs >= bootMs ? prompt : '')
}

/** As Nova makes a host name of a server's name (`sanitize_hostname`). */
function hostnameOf(name: string): string {
  const hostname = name
    .toLowerCase()
    .replace(/[\s_]+/g, '-')
    .replace(/[^a-z0-9.-]/g, '')
    .replace(/^[.-]+|[.-]+$/g, '')
    .slice(0, 63)
  return hostname || 'server'
}
