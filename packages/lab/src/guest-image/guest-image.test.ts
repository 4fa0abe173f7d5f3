import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { silentLogger } from '@atoll/kit'
import { ensurePackages } from '../ensure-packages.ts'
import { cleanUpLab } from '../hosts/clean-up.ts'
import { createLab, type Lab, labPackages } from '../hosts/lab.ts'
import { isRoot, runProgram } from '../run-program.ts'
import { eventually } from '../test-support.ts'
import { buildGuestImage, type GuestImage, guestImagePackages } from './build-guest-image.ts'

/** Emulated on a busy machine; it takes some 6 s on an idle one. */
const BOOT_TIMEOUT_MS = 90_000
const cacheDirectory = join(import.meta.dirname, '../../../../.atoll/cache')
const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKey+/= someone@example'
const qemuArgs = ['-machine', 'pc,accel=tcg', '-m', '256', '-display', 'none', '-serial', 'stdio']

/** What a guest has said on its console so far, as lines. */
function consoleOf(qemu: ChildProcess) {
  let text = ''
  qemu.stdout?.on('data', (chunk: Buffer) => {
    text += chunk.toString('utf8')
  })
  const lines = () => text.split('\n').map((line) => line.replaceAll('\r', ''))
  return {
    lines,
    said: () =>
      lines()
        .filter((line) => line.startsWith('atoll-guest: '))
        .map((line) => line.slice('atoll-guest: '.length)),
    /** Waits for the line to come for the `count`-th time. */
    waitFor: async (pattern: RegExp, count = 1) => {
      await eventually(
        `${pattern} on the console`,
        () => lines().filter((line) => pattern.test(line)).length >= count,
        BOOT_TIMEOUT_MS,
      ).catch((error: unknown) => {
        throw new Error(`the console says:\n${text}`, { cause: error })
      })
    },
  }
}

function metadataOf(hostname: string) {
  return JSON.stringify({
    uuid: '83679162-1378-4288-a2d4-70e13ec132aa',
    name: hostname,
    hostname,
    public_keys: { 'my "key"': `${key}\n` },
    meta: { hostname: 'a trap', '/hostname': 'another' },
  })
}

const skip = isRoot() ? false : 'packages and namespaces need root'

describe('the guest image', { skip }, () => {
  let image: GuestImage
  let work = ''
  const running: ChildProcess[] = []

  before(async () => {
    const tools = ['qemu-system-x86', 'genisoimage', 'dnsmasq-base', ...labPackages]
    await ensurePackages([...guestImagePackages, ...tools], { log: silentLogger })
    image = await buildGuestImage({ cacheDirectory, log: silentLogger })
    work = await mkdtemp(join(tmpdir(), 'atoll-guest-'))
  })
  after(async () => {
    for (const child of running) child.kill('SIGKILL')
    if (work !== '') await rm(work, { recursive: true, force: true })
  })

  const disk = () => ['-drive', `file=${image.path},if=virtio,snapshot=on,format=qcow2`]

  test('is a few megabytes, and comes from the cache the second time', async () => {
    assert.ok(image.sizeBytes < 25 << 20, `${image.sizeBytes} bytes`)
    const lines: string[] = []
    const log = { ...silentLogger, info: (_: object, message = '') => lines.push(message) }
    assert.deepEqual(await buildGuestImage({ cacheDirectory, log }), image)
    assert.deepEqual(lines, [])
  })

  test('takes everything from a config drive, gives a shell, reboots, and obeys the power button', async (context) => {
    const drive = await configDrive(work)
    const monitor = join(work, 'monitor')
    const qemu = spawn(
      'qemu-system-x86_64',
      [
        ...qemuArgs,
        ...disk(),
        ...['-cdrom', drive, '-monitor', `unix:${monitor},server=on,wait=off`],
        // Restricted, because otherwise the guest would reach what the machine's own network has at that address.
        ...['-netdev', 'user,id=net,restrict=on', '-device', 'virtio-net-pci,netdev=net'],
      ],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    )
    running.push(qemu)
    const console = consoleOf(qemu)

    await console.waitFor(/^atoll-guest: ready/)
    assert.deepEqual(console.said().slice(0, -1), [
      'address eth0 10.0.2.15/24',
      'metadata config-drive',
      'hostname vm-a.example',
      `key ${key}`,
      'user-data exit 7',
    ])
    assert.match(console.said().at(-1) ?? '', /^ready \d+\.\ds$/)
    context.diagnostic(`guest: ${console.said().at(-1)}`)
    assert.ok(console.lines().includes(`user data of vm-a.example: ${key}`))

    await console.waitFor(/\/root # /)
    qemu.stdin?.write('reboot\n')
    await console.waitFor(/^atoll-guest: ready/, 2)

    const control = createConnection(monitor)
    await once(control, 'connect')
    control.write('system_powerdown\n')
    const [code] = (await once(qemu, 'exit')) as [number | null]
    control.destroy()
    assert.equal(code, 0)
    assert.ok(console.said().includes('power button'))
  })

  test('takes address, MTU and routes from DHCP and the rest from the metadata service', async (context) => {
    await cleanUpLab('lab-test-guest')
    await using lab = await createLab({ name: 'lab-test-guest', hosts: ['site1'], wan: { delayMs: 0 } })
    await networkFor(lab, work)
    const net = ['-netdev', 'tap,id=net,ifname=tap0,script=no,downscript=no']
    const device = ['-device', 'virtio-net-pci,netdev=net,mac=52:54:00:12:34:56']
    const qemu = lab.spawn('site1', 'qemu-system-x86_64', [...qemuArgs, ...disk(), ...net, ...device], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    running.push(qemu)
    const console = consoleOf(qemu)

    await console.waitFor(/^atoll-guest: ready/)
    assert.deepEqual(console.said().slice(0, -1), [
      'address eth0 10.77.0.50/24',
      'metadata network',
      'hostname vm-b',
      `key ${key}`,
      'user-data exit 0',
    ])
    context.diagnostic(`guest: ${console.said().at(-1)}`)
    const lines = console.lines()
    assert.ok(lines.includes('mtu 1400'))
    assert.ok(lines.some((line) => line.startsWith('169.254.169.254 via 10.77.0.1 dev eth0')))
    assert.ok(lines.some((line) => line.startsWith('default via 10.77.0.2 dev eth0')))

    const page = await lab.exec('site1', process.execPath, [
      '-e',
      'fetch("http://10.77.0.50/").then((reply) => reply.text()).then((text) => console.log(text))',
    ])
    assert.equal(page.stdout.trim(), 'vm-b')
  })
})

async function configDrive(work: string): Promise<string> {
  const latest = join(work, 'drive/openstack/latest')
  await mkdir(latest, { recursive: true })
  await writeFile(join(latest, 'meta_data.json'), metadataOf('vm-a.example'))
  const script = '#!/bin/sh\necho "user data of $(hostname): $(cat /root/.ssh/authorized_keys)"\nexit 7\n'
  await writeFile(join(latest, 'user_data'), script)
  const path = join(work, 'drive.iso')
  await runProgram('genisoimage', ['-quiet', '-V', 'config-2', '-J', '-r', '-o', path, join(work, 'drive')])
  return path
}

/** A network for one guest on `site1`: bridge, tap, DHCP with classless routes and MTU, metadata. */
async function networkFor(lab: Lab, work: string): Promise<void> {
  const commands = [
    'link add net0 type bridge',
    'address add 10.77.0.1/24 dev net0',
    'address add 169.254.169.254/32 dev net0',
    'link set dev net0 up',
    'tuntap add dev tap0 mode tap',
    'link set dev tap0 master net0',
    'link set dev tap0 up',
  ]
  const made = await lab.exec('site1', 'ip', ['-batch', '-'], { stdin: commands.join('\n') })
  assert.equal(made.exitCode, 0, made.stderr)
  lab.spawn('site1', 'dnsmasq', [
    ...['--no-daemon', '--conf-file=/dev/null', '--port=0', '--interface=net0', '--bind-interfaces'],
    ...['--dhcp-range=10.77.0.50,10.77.0.50', `--dhcp-leasefile=${join(work, 'leases')}`],
    ...['--dhcp-option=option:mtu,1400', '--dhcp-option=option:router,10.77.0.9'],
    '--dhcp-option=option:classless-static-route,169.254.169.254/32,10.77.0.1,0.0.0.0/0,10.77.0.2',
  ])
  const userData = '#!/bin/sh\necho "mtu $(cat /sys/class/net/eth0/mtu)"\nip route\n'
  const files = {
    '/openstack/latest/meta_data.json': metadataOf('vm-b'),
    '/openstack/latest/user_data': userData,
  }
  const server = `
    const files = ${JSON.stringify(files)}
    require('node:http').createServer((request, reply) => {
      const body = files[request.url]
      reply.statusCode = body === undefined ? 404 : 200
      reply.end(body)
    }).listen(80, '169.254.169.254', () => console.log('listening'))`
  const metadata = lab.spawn('site1', process.execPath, ['-e', server], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(metadata.stdout as NodeJS.ReadableStream, 'data')
}
