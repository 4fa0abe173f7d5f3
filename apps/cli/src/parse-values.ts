/** Values of options: addresses, durations, whole numbers. A wrong one is refused with what is right. */

import { InvalidArgumentError } from 'commander'

export interface HostPort {
  readonly host: string
  readonly port: number
}

/** `192.0.2.7:8774`, `[2001:db8::7]:8774`, `example.org:8774`. */
export function parseHostPort(text: string): HostPort {
  const [, bracketed, plain, digits] = text.match(/^(?:\[([0-9a-f:.]+)\]|([^\s:[\]/]+)):(\d{1,5})$/i) ?? []
  const [host, port] = [bracketed ?? plain, Number(digits)]
  if (host === undefined || port < 1 || port > 65_535)
    throw new InvalidArgumentError('It takes HOST:PORT, such as 192.0.2.7:8774 or [2001:db8::7]:8774.')
  return { host, port }
}

/** A host and port as part of a URL. */
export function formatHostPort({ host, port }: HostPort): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

const UNIT_MS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** `90s`, `30m`, `1h`, `7d` → milliseconds. */
export function parseDurationMs(text: string): number {
  const [, digits, unit] = text.match(/^(\d{1,6})([smhd])$/) ?? []
  const durationMs = Number(digits) * UNIT_MS[(unit ?? 's') as keyof typeof UNIT_MS]
  if (!(durationMs >= 1000)) throw new InvalidArgumentError('It takes a duration such as 90s, 30m, 1h or 7d.')
  return durationMs
}

export function parseWholeNumber(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('It takes a whole number from 1 on.')
  return Number(text)
}
