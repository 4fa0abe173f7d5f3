/** The QMP client against a server of our own that misbehaves on demand, and against QEMU. */

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { QmpCommandFailed, QmpDisconnected, QmpTimedOut, QmpTooBusy } from '../errors.ts'
import { QmpClient, type QmpClientOptions, type QmpEvent } from './qmp-client.ts'
import { makeTestHost, reasonToSkip, testClock } from './test-host.ts'

const GREETING = { QMP: { version: { qemu: { major: 7, minor: 2, micro: 0 } }, capabilities: [] } }

interface Command {
  readonly execute: string
  readonly arguments: unknown
  readonly id: number
}
type Reply = (message: object | string) => void

suite('a QMP client', () => {
  test('negotiates, and gives each command its own reply, in whatever order', async (context) => {
    const commands: Command[] = []
    const { client } = await connect(context, (command, reply) => {
      commands.push(command)
      if (commands.length < 2) return
      for (const { id, execute } of commands.toReversed()) reply({ return: { status: execute }, id })
    })
    const [status, reset] = await Promise.all([
      client.execute('query-status', {}),
      client.execute('system_reset', {}),
    ])
    assert.deepEqual(status, { status: 'query-status' })
    assert.deepEqual(reset, { status: 'system_reset' })
  })

  test('sends arguments as QEMU expects them', async (context) => {
    const { client } = await connect(context, (command, reply) => reply({ return: command, id: command.id }))
    const sent = (await client.execute('set-action', { shutdown: 'pause' })) as Command
    assert.equal(sent.execute, 'set-action')
    assert.deepEqual(sent.arguments, { shutdown: 'pause' })
  })

  test('reports a refusal with its class and words', async (context) => {
    const { client } = await connect(context, ({ id }, reply) =>
      reply({ error: { class: 'GenericError', desc: 'no such thing' }, id }),
    )
    await assert.rejects(client.execute('stop', {}), (error) => {
      assert.ok(QmpCommandFailed.is(error))
      assert.deepEqual(error.detail, {
        command: 'stop',
        errorClass: 'GenericError',
        description: 'no such thing',
      })
      return true
    })
  })

  test('gives up on a command that is not answered, ignores its late reply, and goes on', async (context) => {
    let answerLate = () => {}
    const { client } = await connect(context, ({ id, execute }, reply) => {
      if (execute !== 'stop') return reply({ return: {}, id })
      answerLate = () => reply({ return: {}, id })
    })
    await assert.rejects(client.execute('stop', {}, { timeoutMs: 30 }), QmpTimedOut.is)
    answerLate()
    assert.deepEqual(await client.execute('cont', {}), {})
  })

  test('hears an event with its time, though it comes in two packets', async (context) => {
    const line = JSON.stringify({
      event: 'SHUTDOWN',
      data: { guest: true, reason: 'guest-shutdown' },
      timestamp: { seconds: 1_700_000_000, microseconds: 500_000 },
    })
    const { client, socket, events } = await connect(context, ({ id }, reply) => {
      reply(line.slice(25))
      reply({ return: {}, id })
    })
    await new Promise((resolve) => socket().write(line.slice(0, 25), resolve))
    await client.execute('cont', {})
    assert.deepEqual(events, [
      {
        kind: 'event',
        name: 'SHUTDOWN',
        data: { guest: true, reason: 'guest-shutdown' },
        timestampMs: 1_700_000_000_500,
      },
    ])
  })

  test('hears every event of one packet in order', async (context) => {
    const { client, events } = await connect(context, ({ id }, reply) => {
      reply(`${['STOP', 'RESUME'].map((event) => JSON.stringify({ event })).join('\r\n')}\r`)
      reply({ return: {}, id })
    })
    await client.execute('cont', {})
    assert.deepEqual(
      events.map((event) => event.kind === 'event' && event.name),
      ['STOP', 'RESUME'],
    )
  })

  test('fails what is outstanding when QEMU goes away, and says so once', async (context) => {
    const { client, socket, events } = await connect(context, () => socket().destroy())
    await assert.rejects(client.execute('quit', {}), QmpDisconnected.is)
    await assert.rejects(client.execute('quit', {}), QmpDisconnected.is)
    client.close()
    assert.deepEqual(
      events.map(({ kind }) => kind),
      ['disconnected'],
    )
  })

  test('breaks the connection at a line without end', async (context) => {
    const { client } = await connect(context, (_command, reply) => reply('x'.repeat(5_000)), {
      lineLengthMax: 1_000,
    })
    await assert.rejects(client.execute('stop', {}), /a line exceeds 1000 characters/)
  })

  test('breaks the connection at what is no QMP', async (context) => {
    const { client } = await connect(context, (_command, reply) => reply('HTTP/1.1 400 Bad Request'))
    await assert.rejects(client.execute('stop', {}), /not a QMP message/)
  })

  test('breaks the connection at an error without id', async (context) => {
    const { client } = await connect(context, (_command, reply) =>
      reply({ error: { class: 'GenericError', desc: 'JSON parse error' } }),
    )
    await assert.rejects(client.execute('stop', {}), /a reply without id/)
  })

  test('refuses more commands than it may have outstanding', async (context) => {
    const { client } = await connect(context, () => {}, { outstandingMax: 2 })
    const outstanding = [client.execute('stop', {}), client.execute('stop', {})]
    await assert.rejects(client.execute('stop', {}), QmpTooBusy.is)
    client.close()
    for (const { status } of await Promise.allSettled(outstanding)) assert.equal(status, 'rejected')
  })

  test('gives up when nobody greets', async (context) => {
    const path = await serve(context, () => {})
    const client = new QmpClient({ path, clock: testClock, timeoutMs: 30 })
    await assert.rejects(client.open(), QmpTimedOut.is)
  })

  test('says that nobody listens', async (context) => {
    const path = join(await temporaryDirectory(context), 'nobody')
    const client = new QmpClient({ path, clock: testClock })
    await assert.rejects(client.open(), QmpDisconnected.is)
  })
})

test('a QMP client talks to QEMU', { skip: reasonToSkip() }, async () => {
  const host = await makeTestHost()
  try {
    const hypervisor = await host.open()
    const spec = host.spec('obedient')
    await hypervisor.start(spec)
    await hypervisor.close()
    const path = join(host.directory, 'guests', spec.id, 'qmp.sock')
    const client = new QmpClient({ path, clock: testClock })
    const events: string[] = []
    const disconnected = new Promise<void>((resolve) => {
      client.subscribe((event) => {
        if (event.kind === 'event') events.push(event.name)
        else resolve()
      })
    })
    await client.open()
    assert.equal((await client.execute('query-status', {})).status, 'running')
    await client.execute('stop', {})
    assert.equal((await client.execute('query-status', {})).status, 'paused')
    const backend = { type: 'file', data: { out: '/nowhere/console', append: true } } as const
    const refusal = client.execute('chardev-change', { id: 'no-such-device', backend })
    await assert.rejects(refusal, QmpCommandFailed.is)
    await client.execute('quit', {}).catch((error) => assert.ok(QmpDisconnected.is(error)))
    await disconnected
    assert.deepEqual(events, ['STOP', 'SHUTDOWN'])
  } finally {
    await host.close()
  }
})

/** A client that has negotiated with a server which hands every further command to `answer`. */
async function connect(
  context: TestContext,
  answer: (command: Command, reply: Reply) => void,
  options: Partial<QmpClientOptions> = {},
) {
  let serverSide: Socket | undefined
  const path = await serve(context, (socket) => {
    serverSide = socket
    const reply: Reply = (message) => {
      socket.write(`${typeof message === 'string' ? message : JSON.stringify(message)}\n`)
    }
    reply(GREETING)
    socket.on('data', (chunk) => {
      for (const line of chunk.toString().trim().split('\n')) {
        const command = JSON.parse(line) as Command
        if (command.execute === 'qmp_capabilities') reply({ return: {}, id: command.id })
        else answer(command, reply)
      }
    })
  })
  const client = new QmpClient({ path, clock: testClock, ...options })
  context.after(() => client.close())
  const events: QmpEvent[] = []
  client.subscribe((event) => events.push(event))
  await client.open()
  const socket = () => {
    assert.ok(serverSide)
    return serverSide
  }
  return { client, socket, events }
}

async function serve(context: TestContext, onConnection: (socket: Socket) => void): Promise<string> {
  const path = join(await temporaryDirectory(context), 'qmp.sock')
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    onConnection(socket)
  })
  context.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
  return path
}

async function temporaryDirectory(context: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'atoll-qmp-'))
  context.after(() => rm(directory, { recursive: true, force: true }))
  return directory
}
