/** What guests may do: run once, and stop, boot or go only when somebody asked for it or the power went. */

import assert from 'node:assert/strict'
import { isUp, type SimulatedMachine } from '@atoll/hypervisor'
import type { Model, ServerThing } from '../model.ts'
import type { SimulatedCloud } from '../simulated-cloud.ts'
import type { SiteTables } from './tables.ts'

interface Life {
  boots: number
  isUp: boolean
  /** Times that its machine lost power while it ran. */
  powerLosses: number
}

export class GuestWatch {
  readonly #cloud: SimulatedCloud
  readonly #model: Model
  readonly #machines: readonly SimulatedMachine[]
  readonly #lives = new Map<string, Life>()
  readonly #failures: string[] = []

  constructor(cloud: SimulatedCloud, model: Model) {
    this.#cloud = cloud
    this.#model = model
    this.#machines = cloud.sites.flatMap(({ machines }) => machines)
    for (const site of cloud.sites) {
      for (const machine of site.machines) {
        machine.subscribe(({ id, kind }) => {
          cloud.simulation.note(`guest ${id} ${kind} at ${site.name}`)
          this.#look(machine, id)
        })
      }
    }
  }

  /** @throws AssertionError for what was seen since the last time */
  check(): void {
    assert.equal(this.#failures[0], undefined, this.#failures[0])
    for (const machine of this.#machines) for (const { id } of machine.guests()) this.#look(machine, id)
    this.#lookForGone()
  }

  /**
   * At the end: exactly the servers that are ACTIVE have a guest that runs, at their host, and what is deleted has none.
   * @throws AssertionError
   */
  checkAgainst(sites: readonly SiteTables[]): void {
    const servers = new Map(sites.flatMap((site) => site.own('servers').map((server) => [server.id, server])))
    for (const site of this.#cloud.sites) {
      for (const [index, machine] of site.machines.entries()) {
        for (const guest of machine.guests()) {
          const server = servers.get(guest.id)
          assert.ok(server, `guest ${guest.id} at ${site.name} belongs to no server`)
          assert.equal(
            server.host,
            `${site.name}-host-${index + 1}`,
            `guest ${guest.id} is not at its server's host`,
          )
        }
      }
    }
    for (const { id, vm_state, host } of servers.values()) {
      // Its host is gone: what becomes of it is not for a machine to show.
      if (this.#cloud.givenUp.some(({ name }) => String(host).startsWith(`${name}-host-`))) continue
      const running = this.#machines.filter((machine) => runs(machine, id)).length
      if (vm_state === 'active') assert.equal(running, 1, `server ${id} is ACTIVE and runs ${running} times`)
      if (vm_state === 'stopped') assert.equal(running, 0, `server ${id} is SHUTOFF and runs`)
      assert.ok(
        vm_state !== 'error' || host === '',
        `server ${id} is in ERROR although nothing of its host failed`,
      )
    }
  }

  #look(machine: SimulatedMachine, id: string): void {
    const guest = machine.guest(id)
    if (!guest) return
    const running = this.#machines.filter((other) => runs(other, id)).length
    if (running > 1) this.#failures.push(`guest ${id} runs ${running} times`)
    const life = this.#lives.get(id) ?? { boots: 0, isUp: false, powerLosses: 0 }
    this.#lives.set(id, life)
    const server = this.#model.server(id)
    if (life.isUp && !isUp(guest)) {
      if (guest.power === 'crashed') life.powerLosses++
      else
        this.#expect(
          server,
          (known) => known.stopsAsked > 0 || known.deletion !== 'no',
          `guest ${id} was stopped`,
        )
    }
    if (guest.bootCount > life.boots) {
      const { boots, powerLosses } = { boots: guest.bootCount, powerLosses: life.powerLosses }
      this.#expect(
        server,
        ({ startsAsked }) => boots <= 1 + startsAsked + powerLosses,
        `guest ${id} has booted ${boots} times`,
      )
    }
    life.boots = guest.bootCount
    life.isUp = isUp(guest)
  }

  #lookForGone(): void {
    for (const [id] of this.#lives) {
      if (this.#machines.some((machine) => machine.guest(id))) continue
      this.#lives.delete(id)
      this.#expect(this.#model.server(id), ({ deletion }) => deletion !== 'no', `guest ${id} was destroyed`)
    }
    assert.equal(this.#failures[0], undefined, this.#failures[0])
  }

  // Nobody can say what was asked of a server whose id no client was ever told.
  #expect(server: ServerThing | undefined, isAsked: (server: ServerThing) => boolean, what: string): void {
    if (server && !isAsked(server)) this.#failures.push(`${what}, and nobody asked for it`)
  }
}

export function runs(machine: SimulatedMachine, id: string): boolean {
  const guest = machine.guest(id)
  return guest !== undefined && isUp(guest)
}
