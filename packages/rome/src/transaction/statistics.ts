/** What a peer and its store had to do with each other since the peer started. */

import type { Commit, CommitOutcome, Look, News, Sight } from '../stores/key-value/key-value-store.ts'

export interface StoreStatistics {
  /** Times that the store was asked what is there, and what is new. */
  looks: number
  /** Times that it was asked to commit; several transactions may have shared one. */
  commits: number
  /** Commits, or groups before their commit, that somebody else's commit was in the way of. */
  conflicts: number
  /** Works that ran to a committed end. */
  transactions: number
  /** Works that began anew when what they had missed was there. */
  misses: number
  /** Keys and values that went to the store, and came from it; without what its protocol adds. */
  bytesSent: number
  bytesReceived: number
  sessions: number
  /** Round trips that the sessions waited for, all together. */
  sessionRoundTrips: number
  /** The most that one session waited for. */
  sessionRoundTripsMax: number
}

export function noStatistics(): StoreStatistics {
  return {
    looks: 0,
    commits: 0,
    conflicts: 0,
    transactions: 0,
    misses: 0,
    bytesSent: 0,
    bytesReceived: 0,
    sessions: 0,
    sessionRoundTrips: 0,
    sessionRoundTripsMax: 0,
  }
}

export function countLook(statistics: StoreStatistics, look: Look, sight: Sight): void {
  statistics.looks++
  for (const { key } of look.keys) statistics.bytesSent += key.length
  for (const { from, to } of look.ranges) statistics.bytesSent += from.length + to.length
  for (const value of sight.values) statistics.bytesReceived += value?.length ?? 0
  for (const { keys, values } of sight.ranges) {
    for (const key of keys) statistics.bytesReceived += key.length
    for (const value of values) statistics.bytesReceived += value.length
  }
  countNews(statistics, sight)
}

export function countCommit(statistics: StoreStatistics, commit: Commit, outcome: CommitOutcome): void {
  statistics.commits++
  for (const { key, value } of commit.writes) statistics.bytesSent += key.length + (value?.length ?? 0)
  for (const { key } of commit.reads.keys) statistics.bytesSent += key.length
  for (const { from, to } of commit.reads.ranges) statistics.bytesSent += from.length + to.length
  countNews(statistics, outcome)
}

function countNews(statistics: StoreStatistics, { entries }: News): void {
  for (const { writes } of entries ?? [])
    for (const { key, value } of writes) statistics.bytesReceived += key.length + (value?.length ?? 0)
}
