/** Everything that a store on one SQL server must pass. */

import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import type { SqlStoreServer } from '@atoll/lab'
import { storeSuite } from '@atoll/rome/conformance/store-suite'
import { sqlFacts } from './sql-facts.ts'
import { findsOut, sqlIsolation } from './sql-isolation.ts'
import { openClient } from './sql-ocean.ts'
import { serverDirectory, whyNoServers } from './store-servers.ts'

export interface SqlSuites {
  readonly packages: readonly string[]
  readonly start: (options: { readonly directory: string }) => Promise<SqlStoreServer>
  /** By what it lowers isolation to: a change of what clients send, and what it needs of the server before. */
  readonly weaker: Readonly<Record<string, Weakening>>
}

export interface Weakening {
  readonly rewrite: (message: string) => string
  /** Statements that prepare the database of that name. */
  readonly prepare?: (database: string) => string
}

/** Registers the suites; the server is started once, by the first test that needs it. */
export async function sqlSuites(name: string, { packages, start, weaker }: SqlSuites): Promise<void> {
  const skip = (await whyNoServers(packages)) ?? false
  const { directory, remove } = serverDirectory()
  let starting: Promise<SqlStoreServer> | undefined
  const server = () => {
    starting ??= start({ directory })
    return starting
  }
  after(async () => {
    await (await starting)?.stop()
    remove()
  })
  let databases = 0
  const freshUrl = async () => (await server()).createDatabase(`atoll_${++databases}`)

  storeSuite(
    name,
    async () => {
      const url = await freshUrl()
      return { open: () => openClient(url), close: async () => {} }
    },
    { isShared: true, skip },
  )

  describe(`${name}, as SQLite does it,`, { skip }, () => {
    sqlFacts(async () => (await server()).url)
  })

  sqlIsolation(name, { fresh: async () => [await freshUrl()], skip })

  describe(`the checker of histories, on ${name},`, { skip }, () => {
    for (const [weakness, { rewrite, prepare }] of Object.entries(weaker))
      test(`finds out transactions that are ${weakness}`, async (t) => {
        const fresh = async () => {
          const url = await freshUrl()
          if (prepare) await (await server()).execute(prepare(new URL(url).pathname.slice(1)))
          return [url]
        }
        const wrong = await findsOut(fresh, rewrite)
        t.diagnostic(wrong[0] ?? 'nothing was wrong')
        assert.notDeepEqual(wrong, [])
      })
  })
}

/** A change that leaves the length as it is, as messages of a protocol carry theirs. */
export function inPlaceOf(text: string, other: string): (message: string) => string {
  return (message) => message.replaceAll(text, other.padEnd(text.length))
}
