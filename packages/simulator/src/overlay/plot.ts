/** Distributions as SVG: for each value the share of all that are at most so large. Whole files, no library. */

import type { Distribution } from './scenarios/scenario.ts'

const WIDTH = 640
const HEIGHT = 360
const MARGIN = 48
/** Points of a curve; more cannot be told apart. */
const POINTS_MAX = 400

export function plotDistribution({ name, unit, values }: Distribution): string {
  const sorted = values.filter(Number.isFinite).toSorted((left, right) => left - right)
  const most = sorted.at(-1) ?? 1
  const least = Math.min(0, sorted[0] ?? 0)
  const x = (value: number) => MARGIN + ((value - least) / (most - least || 1)) * (WIDTH - 2 * MARGIN)
  const y = (share: number) => HEIGHT - MARGIN - share * (HEIGHT - 2 * MARGIN)
  const step = Math.max(1, Math.ceil(sorted.length / POINTS_MAX))
  const points = sorted
    .map((value, index) => [x(value), y((index + 1) / values.length)] as const)
    .filter((_, index) => index % step === 0 || index === sorted.length - 1)
    .map(([left, top]) => `${left.toFixed(1)},${top.toFixed(1)}`)
  const ticks = Array.from({ length: 6 }, (_, tick) => least + (tick * (most - least)) / 5)
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="white"/>`,
    `<text x="${MARGIN}" y="24" font-size="14">${escapeText(name)}, ${values.length} values</text>`,
    ...[0, 0.25, 0.5, 0.75, 1].flatMap((share) => [
      `<line x1="${MARGIN}" x2="${WIDTH - MARGIN}" y1="${y(share)}" y2="${y(share)}" stroke="#ddd"/>`,
      `<text x="${MARGIN - 6}" y="${y(share) + 4}" text-anchor="end">${100 * share} %</text>`,
    ]),
    ...ticks.map(
      (tick) =>
        `<text x="${x(tick).toFixed(1)}" y="${HEIGHT - MARGIN + 18}" text-anchor="middle">${format(tick)}</text>`,
    ),
    `<text x="${WIDTH - MARGIN}" y="${HEIGHT - 10}" text-anchor="end">${escapeText(unit)}</text>`,
    `<polyline points="${points.join(' ')}" fill="none" stroke="#06c" stroke-width="1.5"/>`,
    '</svg>\n',
  ].join('\n')
}

function format(value: number): string {
  return Number(value.toPrecision(3)).toString()
}

function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
