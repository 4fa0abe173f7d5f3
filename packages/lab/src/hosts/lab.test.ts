import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { after, afterEach, before, describe, test } from 'node:test'
import { silentLogger } from '@atoll/kit'
import { ensurePackages } from '../ensure-packages.ts'
import { LabHostUnknown, LabNameTaken, NotRoot } from '../errors.ts'
import { isRoot, runProgram } from '../run-program.ts'
import { eventually } from '../test-support.ts'
import { cleanUpLab, labNamespaces, sweepStaleLabs } from './clean-up.ts'
import { createLab, type Lab, labPackages } from './lab.ts'
import { markedLabs } from './lab-mark.ts'
import { isAlive } from './process-identity.ts'

const DELAY_MS = 20
const skip = isRoot() ? false : 'network namespaces need root'

/** What is on the machine of the lab `name`: must be empty when it is gone. */
async function tracesOf(name: string): Promise<readonly string[]> {
  const marked = (await markedLabs()).filter(({ mark }) => mark.name === name)
  return [...(await labNamespaces(name)), ...marked.map(({ bridge }) => bridge)]
}

interface PingResult {
  readonly received: number
  readonly rttMsMin: number
}

async function ping(lab: Lab, from: string, ip: string, count = 3): Promise<PingResult> {
  const { stdout } = await lab.exec(from, 'ping', ['-n', '-c', `${count}`, '-i', '0.05', '-W', '1', ip])
  return {
    received: Number(/(\d+) received/.exec(stdout)?.[1]),
    rttMsMin: Number(/= ([\d.]+)\//.exec(stdout)?.[1] ?? Number.NaN),
  }
}

describe('the WAN of a lab', { skip }, () => {
  let lab: Lab
  const wanIp = (name: string) => lab.host(name).wanIp

  before(async () => {
    await ensurePackages([...labPackages, 'iputils-ping'], { log: silentLogger })
    await cleanUpLab('lab-test')
    lab = await createLab({
      name: 'lab-test',
      hosts: ['site1', 'site2', 'site3'],
      wan: { delayMs: DELAY_MS },
    })
  })
  after(() => lab?.destroy())
  afterEach(async () => {
    await lab.wan.heal()
    await lab.wan.setLoss('site2', 'site3', 0)
  })

  test('delays each direction, to the WAN address and to the operator address alike', async () => {
    for (const ip of [wanIp('site2'), lab.host('site2').operatorIp]) {
      const { received, rttMsMin } = await ping(lab, 'site1', ip)
      assert.equal(received, 3)
      assert.ok(rttMsMin >= 2 * DELAY_MS, `${rttMsMin} ms`)
    }
  })

  test('does not carry what goes over the operator link', async () => {
    const statsBefore = await lab.wan.stats()
    assert.equal((await ping(lab, 'site1', lab.operatorIp)).received, 3)
    await runProgram('ping', ['-n', '-c', '1', '-W', '1', lab.host('site3').operatorIp])
    assert.deepEqual(await lab.wan.stats(), statsBefore)
  })

  test('takes a delay of its own for one pair and for one direction', async () => {
    await lab.wan.setDelay('site1', 'site2', 40)
    await lab.wan.setDelay('site2', 'site3', 60, { direction: 'forward' })
    const [first, second] = await Promise.all([
      ping(lab, 'site1', wanIp('site2')),
      ping(lab, 'site2', wanIp('site3')),
    ])
    assert.ok(first.rttMsMin >= 80, `${first.rttMsMin} ms`)
    assert.ok(second.rttMsMin >= 60 + DELAY_MS, `${second.rttMsMin} ms`)
    await lab.wan.setDelay('site1', 'site2', DELAY_MS)
    await lab.wan.setDelay('site2', 'site3', DELAY_MS)
  })

  test('carries packets of 1500 bytes', async () => {
    const whole = ['-n', '-c', '1', '-W', '1', '-M', 'do', '-s', `${1500 - 28}`, wanIp('site2')]
    assert.equal((await lab.exec('site1', 'ping', whole)).exitCode, 0)
  })

  test('carries TCP with checksums that the receiver accepts', async () => {
    const server = lab.spawn('site2', process.execPath, [
      '-e',
      "require('net').createServer(s => { let n = 0; s.on('data', d => n += d.length); s.on('end', () => s.end(String(n))) })" +
        ".listen(7000, () => console.log('listening'))",
    ])
    await once(server.stdout as NodeJS.ReadableStream, 'data')
    const client = await lab.exec('site1', process.execPath, [
      '-e',
      "const s = require('net').connect(7000, process.argv[1], () => s.end(Buffer.alloc(1000000)));" +
        's.on("data", d => console.log(String(d)))',
      wanIp('site2'),
    ])
    assert.equal(client.stdout.trim(), '1000000')
    server.kill()
    await once(server, 'exit')
  })

  test('lets nothing through at a loss of 1, one way only if so asked', async () => {
    await lab.wan.setLoss('site3', 'site2', 1, { direction: 'forward' })
    const forwarded = async () =>
      (await lab.wan.stats()).find(({ from, to }) => from === 'site2' && to === 'site3')?.forwarded ?? 0
    const forwardedBefore = await forwarded()
    assert.equal((await ping(lab, 'site2', wanIp('site3'))).received, 0)
    assert.equal(await forwarded(), forwardedBefore + 3)
    await lab.wan.setLoss('site3', 'site2', 0)
    assert.equal((await ping(lab, 'site2', wanIp('site3'))).received, 3)
  })

  test('a cut takes a host from all others but not from its operator, and a heal brings it back', async () => {
    await lab.wan.cut('site1')
    const cut = await Promise.all([
      ping(lab, 'site1', wanIp('site2')),
      ping(lab, 'site3', wanIp('site1')),
      ping(lab, 'site2', wanIp('site3')),
      ping(lab, 'site1', lab.operatorIp),
    ])
    assert.deepEqual(
      cut.map(({ received }) => received),
      [0, 0, 3, 3],
    )
    await lab.wan.heal('site1')
    assert.equal((await ping(lab, 'site1', wanIp('site2'))).received, 3)
    assert.equal((await ping(lab, 'site3', wanIp('site1'))).received, 3)
  })

  test('a cut of one pair leaves the others alone', async () => {
    await lab.wan.cut('site1', 'site2')
    assert.equal((await ping(lab, 'site2', wanIp('site1'))).received, 0)
    assert.equal((await ping(lab, 'site1', wanIp('site3'))).received, 3)
    await lab.wan.heal()
    assert.equal((await ping(lab, 'site2', wanIp('site1'))).received, 3)
  })

  test('counts every frame once', async () => {
    const stats = await lab.wan.stats()
    assert.equal(stats.length, 6)
    assert.ok(stats.every(({ forwarded, waiting }) => forwarded > 0 && waiting === 0))
  })

  test('knows its hosts', async () => {
    await assert.rejects(lab.wan.cut('site9'), LabHostUnknown.is)
    assert.throws(() => lab.host('site9'), LabHostUnknown.is)
  })
})

describe('a lab', { skip }, () => {
  const options = { hosts: ['a', 'b'], wan: { delayMs: 1 } }

  test('stands beside another, and a destroyed one leaves nothing', async () => {
    await using first = await createLab({ ...options, name: 'lab-test-one' })
    await using second = await createLab({ ...options, name: 'lab-test-two' })
    const addresses = [...first.hosts, ...second.hosts].flatMap(({ operatorIp, wanIp }) => [
      operatorIp,
      wanIp,
    ])
    assert.equal(new Set(addresses).size, 8)
    const left = first.spawn('a', 'sleep', ['1000'])
    await once(left, 'spawn')
    await first.destroy()
    assert.deepEqual(await tracesOf('lab-test-one'), [])
    await eventually('the program on the host has ended', () => left.signalCode === 'SIGTERM')
    assert.equal((await ping(second, 'a', second.host('b').wanIp)).received, 3)
    await second.destroy()
    assert.deepEqual(await tracesOf('lab-test-two'), [])
  })

  test('gives each host a /run of its own, which the next program on it finds again', async () => {
    await using lab = await createLab({ ...options, name: 'lab-test-run' })
    await lab.exec('a', 'ip', ['netns', 'add', 'inner'])
    const hasInner = async (host: string) =>
      (await lab.exec(host, 'ip', ['netns', 'exec', 'inner', 'true'])).exitCode === 0
    assert.deepEqual([await hasInner('a'), await hasInner('b')], [true, false])
    assert.doesNotMatch(await runProgram('ip', ['netns', 'list']), /inner/)
  })

  test('ends what a host runs in namespaces of its own', async () => {
    await using lab = await createLab({ ...options, name: 'lab-test-inner' })
    const inside = ['--net', 'sleep', '1000']
    const left = lab.spawn('a', 'unshare', inside)
    await once(left, 'spawn')
    await lab.destroy()
    await eventually('the program has ended', () => left.signalCode === 'SIGTERM')
  })

  test('keeps its name to itself', async () => {
    await using lab = await createLab({ ...options, name: 'lab-test-name' })
    await assert.rejects(createLab({ ...options, name: lab.name }), LabNameTaken.is)
    assert.equal((await ping(lab, 'a', lab.host('b').wanIp)).received, 3)
  })

  test('is made once when two ask for one name at the same time', async () => {
    const outcomes = await Promise.allSettled([
      createLab({ ...options, name: 'lab-test-race' }),
      createLab({ ...options, name: 'lab-test-race' }),
    ])
    const made = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
    assert.ok(made.length <= 1)
    for (const outcome of outcomes)
      assert.ok(outcome.status === 'fulfilled' || LabNameTaken.is(outcome.reason))
    for (const lab of made) assert.equal((await ping(lab, 'a', lab.host('b').wanIp)).received, 3)
    await Promise.all(made.map((lab) => lab.destroy()))
    assert.deepEqual(await tracesOf('lab-test-race'), [])
  })

  test('replaces the namespaces of one whose bridge is gone', async () => {
    await runProgram('ip', ['netns', 'add', 'lab-test-orphan.a'])
    await using lab = await createLab({ ...options, name: 'lab-test-orphan' })
    assert.equal((await ping(lab, 'a', lab.host('b').wanIp)).received, 3)
  })

  test('is not removed by the owner of an earlier one of the same name', async () => {
    const owner = await ownerOf('lab-test-heir', { destroysOnSignal: true })
    await cleanUpLab('lab-test-heir')
    await using lab = await createLab({ ...options, name: 'lab-test-heir' })
    owner.kill('SIGUSR2')
    await once(owner, 'exit')
    assert.equal((await ping(lab, 'a', lab.host('b').wanIp)).received, 3)
  })

  test('is removed by name although its owner lives', async () => {
    const lab = await createLab({ ...options, name: 'lab-test-removed' })
    await cleanUpLab(lab.name)
    assert.deepEqual(await tracesOf(lab.name), [])
    await assert.rejects(lab.wan.stats())
    await lab.destroy()
  })

  test('goes when its owner is killed', async () => {
    const owner = await ownerOf('lab-test-killed')
    assert.equal((await tracesOf('lab-test-killed')).length, 3)
    owner.kill('SIGKILL')
    await eventually(
      'the keeper has removed the lab',
      async () => (await tracesOf('lab-test-killed')).length === 0,
    )
  })

  test('can be made anew as soon as its owner is killed', async () => {
    const owner = await ownerOf('lab-test-again')
    owner.kill('SIGINT')
    await once(owner, 'exit')
    await using lab = await createLab({ ...options, name: 'lab-test-again' })
    assert.equal((await ping(lab, 'a', lab.host('b').wanIp)).received, 3)
  })

  test('is swept when owner and keeper are killed, and not before', async () => {
    const owner = await ownerOf('lab-test-stale')
    assert.ok(!(await sweepStaleLabs()).includes('lab-test-stale'))
    const keeper = (await markedLabs()).find(({ mark }) => mark.name === 'lab-test-stale')?.mark.keeper
    assert.ok(keeper !== undefined)
    process.kill(keeper.pid, 'SIGKILL')
    await eventually('the keeper is gone', () => !isAlive(keeper))
    owner.kill('SIGKILL')
    await once(owner, 'exit')
    assert.ok((await sweepStaleLabs()).includes('lab-test-stale'))
    assert.deepEqual(await tracesOf('lab-test-stale'), [])
  })

  test('is refused to those who are not root', () => {
    process.seteuid?.('nobody')
    const refused = createLab({ ...options, name: 'lab-test-user' })
    process.seteuid?.('root')
    return assert.rejects(refused, NotRoot.is)
  })
})

/** A process that makes the lab `name` and stays; on SIGUSR2 it destroys its lab and ends, if so asked. */
async function ownerOf(name: string, { destroysOnSignal = false } = {}) {
  const index = new URL('./lab.ts', import.meta.url).href
  const script = `
    const { createLab } = await import('${index}')
    const lab = await createLab({ name: '${name}', hosts: ['a', 'b'], wan: { delayMs: 1 } })
    if (${destroysOnSignal}) process.on('SIGUSR2', () => lab.destroy().then(() => process.exit(0)))
    console.log('made')
    setInterval(() => {}, 1000)`
  const owner = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(owner.stdout, 'data')
  return owner
}
