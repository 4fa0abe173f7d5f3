/** The Debian packages behind everything that touches the machine: guests, their networks, the lab, the clients. */

import {
  etcdPackages,
  guestImagePackages,
  labPackages,
  mariadbPackages,
  postgresqlPackages,
  redisPackages,
} from '@atoll/lab'

/** What a host needs to run guests. */
export const hostPackages: readonly string[] = [
  'qemu-system-x86',
  'qemu-utils',
  'dnsmasq-base',
  'nftables',
  'iproute2',
  'genisoimage',
]

const unique = (names: readonly string[]): readonly string[] => [...new Set(names)]

export const demoPackages = unique([...hostPackages, ...labPackages, ...guestImagePackages])

/** The tests also run the clients that users run, look at the network with ping and tcpdump's peers, let days pass, and try each store. */
export const testPackages = unique([
  ...demoPackages,
  ...postgresqlPackages,
  ...mariadbPackages,
  ...etcdPackages,
  ...redisPackages,
  'busybox-static',
  'iputils-ping',
  'libfaketime',
  'python3-openstackclient',
])
