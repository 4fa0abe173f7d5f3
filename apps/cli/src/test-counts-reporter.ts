/** A reporter of node:test that writes only the counts, as JSON, for the summary of several processes. */

export interface TestCounts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

/** What we read of node:test's event of this name. */
interface SummaryEvent {
  readonly type: string
  readonly data: {
    readonly file?: string
    readonly counts?: {
      readonly tests: number
      readonly passed: number
      readonly skipped: number
      readonly todo: number
    }
  }
}

export default async function* countsReporter(source: AsyncIterable<SummaryEvent>): AsyncGenerator<string> {
  for await (const { type, data } of source) {
    // One summary is of all files; the others each name theirs.
    if (type !== 'test:summary' || data.file !== undefined || data.counts === undefined) continue
    const { tests, passed, skipped, todo } = data.counts
    yield JSON.stringify({ passed, failed: tests - passed - skipped - todo, skipped })
  }
}
