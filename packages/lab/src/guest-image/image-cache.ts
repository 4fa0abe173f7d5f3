/** Keeps the directory of built images small: each new kernel of Debian makes the image before it useless. */

import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'

export const IMAGE_PREFIX = 'guest-'
export const BUILDING_PREFIX = 'building-'

/** Several, because checkouts of different age may share the directory and must not undo each other's work. */
const IMAGES_KEPT = 3
const BUILDING_AGE_MS_MAX = 3_600_000

/** Removes all but the newest images, and what builds that were killed have left. */
export async function pruneImageCache(cacheDirectory: string, { nowMs }: { nowMs: number }): Promise<void> {
  const entries = await Promise.all(
    (await readdir(cacheDirectory)).map(async (name) => {
      const path = join(cacheDirectory, name)
      // Another process may prune at the same time: what is gone is as old as can be.
      const modifiedMs = await stat(path).then(
        ({ mtimeMs }) => mtimeMs,
        () => 0,
      )
      return { name, path, modifiedMs }
    }),
  )
  const images = entries.filter(({ name }) => name.startsWith(IMAGE_PREFIX))
  const outdated = images.sort((left, right) => right.modifiedMs - left.modifiedMs).slice(IMAGES_KEPT)
  const abandoned = entries.filter(
    ({ name, modifiedMs }) => name.startsWith(BUILDING_PREFIX) && nowMs - modifiedMs > BUILDING_AGE_MS_MAX,
  )
  for (const { path } of [...outdated, ...abandoned]) await rm(path, { recursive: true, force: true })
}
