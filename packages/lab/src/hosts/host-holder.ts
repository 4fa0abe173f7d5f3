/**
 * What makes a host of a lab more than a network namespace: a mount namespace with a `/run` of its own, held open by a
 * process that does nothing. Named network namespaces, sockets and process ids that programs keep in `/run` are then
 * found again by the next program on the same host, and gone with the lab.
 */

import { type ChildProcess, spawn } from 'node:child_process'
import { ProgramFailed } from '../errors.ts'

const HOLD =
  'mount -t tmpfs -o mode=755 tmpfs /run && mkdir /run/netns /run/lock && echo held && exec sleep infinity'
const TIMEOUT_MS = 10_000

/** Resolves with the id of the holding process, which ends with the processes of its network namespace. */
export async function holdHost(namespace: string): Promise<number> {
  const child = spawn('ip', ['netns', 'exec', namespace, 'sh', '-c', HOLD], {
    stdio: ['ignore', 'pipe', 'inherit'],
    // Ctrl-C is for its owner, who removes the lab in order.
    detached: true,
  })
  await saysHeld(child, namespace)
  child.stdout?.destroy()
  child.unref()
  return child.pid ?? 0
}

function saysHeld(child: ChildProcess, namespace: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (reason: string) =>
      reject(ProgramFailed({ command: `ip netns exec ${namespace}`, reason, output: '' }))
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      fail('the host was not ready in time')
    }, TIMEOUT_MS)
    child.once('error', ({ message }) => fail(message))
    child.once('exit', (code) => fail(`exit code ${code}`))
    child.stdout?.once('data', () => {
      clearTimeout(timer)
      child.removeAllListeners('exit')
      resolve()
    })
  })
}

/** The words that run a program on the host which `holderPid` holds; the process becomes the program itself. */
export function onHost(holderPid: number, workingDirectory: string): readonly string[] {
  return ['nsenter', `--target=${holderPid}`, '--net', '--mount', `--wdns=${workingDirectory}`, '--']
}
