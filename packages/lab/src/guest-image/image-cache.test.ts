import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, rm, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { pruneImageCache } from './image-cache.ts'

describe('the cache of guest images', () => {
  let directory = ''
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'atoll-cache-'))
  })
  after(() => rm(directory, { recursive: true, force: true }))

  test('keeps the three newest images, builds under way, and what is not its own', async () => {
    const hour = 3600
    const ages = {
      'guest-a': 5 * hour,
      'guest-b': 4 * hour,
      'guest-c': 3 * hour,
      'guest-d': 2 * hour,
      'building-old': 2 * hour,
      'building-new': 60,
      other: 9 * hour,
    }
    const nowSeconds = 1_800_000_000
    for (const [name, age] of Object.entries(ages)) {
      await mkdir(join(directory, name))
      await utimes(join(directory, name), nowSeconds - age, nowSeconds - age)
    }
    await pruneImageCache(directory, { nowMs: nowSeconds * 1000 })
    const left = (await readdir(directory)).sort()
    assert.deepEqual(left, ['building-new', 'guest-b', 'guest-c', 'guest-d', 'other'])
  })
})
