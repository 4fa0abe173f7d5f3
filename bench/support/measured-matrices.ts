/** The measured matrices that benchmarks of the overlay run on, or generated ones where they are not at hand. */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { seededRandom } from '@atoll/kit'
import { type DenseMatrix, driftMatrix, generateMatrix, readMatrix } from '@atoll/simulator'

export interface NamedMatrix {
  readonly name: string
  readonly matrix: DenseMatrix
}

export interface MeasuredMatrices {
  /** What is printed above the figures: where they come from. */
  readonly source: string
  /** The first is the one on which parameters were chosen. */
  readonly planetLab: readonly NamedMatrix[]
  readonly cities: readonly NamedMatrix[]
  /** Personal devices. */
  readonly devices: readonly NamedMatrix[]
}

/** `shared/data/rtt` beside a checkout or beside the folder that it is in, unless `RTT_DATA` says otherwise. */
const HOME = fileURLToPath(new URL('../..', import.meta.url))
const PLACES = [process.env.RTT_DATA, join(HOME, '../shared/data/rtt'), join(HOME, '../../shared/data/rtt')]

export function measuredMatrices(): MeasuredMatrices {
  const directory = PLACES.find((place) => place !== undefined && existsSync(join(place, 'cities.csv.gz')))
  if (directory === undefined) return generated()
  const read = (name: string, file: string, unitMs = 1): NamedMatrix => ({
    name,
    matrix: readMatrix(join(directory, file), { unitMs }),
  })
  return {
    source: 'measured matrices',
    planetLab: [
      read('PlanetLab slice 1', 'planetlab-490-slice-1.txt.gz'),
      read('PlanetLab slice 9', 'planetlab-490-slice-9.txt.gz'),
    ],
    cities: [read('cities', 'cities.csv.gz')],
    // Their numbers are seconds, in hundredths.
    devices: [1, 2, 3, 300].map((slice) =>
      read(`Seattle slice ${slice}`, `seattle-99-slice-${slice}.txt.gz`, 1000),
    ),
  }
}

function generated(): MeasuredMatrices {
  const matrix = generateMatrix({ size: 490, random: seededRandom('matrix') })
  const later = driftMatrix(matrix, { random: seededRandom('drift'), share: 0.1 })
  const few = generateMatrix({ size: 242, random: seededRandom('cities'), sitesPerTown: 1 })
  return {
    source:
      'GENERATED matrices, as no measured ones were found (RTT_DATA=<folder>): not comparable with the anchors',
    planetLab: [
      { name: 'generated 490', matrix },
      { name: 'the same, drifted', matrix: later },
    ],
    cities: [{ name: 'generated 242', matrix: few }],
    devices: [],
  }
}
