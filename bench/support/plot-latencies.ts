/** Latencies of several runs as one picture: for each time, on a logarithmic axis, the share of calls that took no longer. */

export interface Curve {
  readonly name: string
  /** Milliseconds, ascending. */
  readonly values: readonly number[]
}

const WIDTH = 760
const HEIGHT = 420
const MARGIN = { left: 56, right: 200, top: 40, bottom: 48 } as const
const POINTS_MAX = 300
const COLOURS = ['#06c', '#c30', '#393', '#939', '#c80', '#099', '#666', '#c09'] as const

/** An SVG file. Curves without values are left out. */
export function plotLatencies(title: string, curves: readonly Curve[]): string {
  const drawn = curves.filter(({ values }) => values.length > 0)
  const all = drawn
    .flatMap(({ values }) => [values[0] ?? 1, values.at(-1) ?? 1])
    .map((value) => Math.max(value, 0.1))
  const [from, to] = [Math.floor(Math.log10(Math.min(...all))), Math.ceil(Math.log10(Math.max(...all)))]
  const x = (ms: number) =>
    MARGIN.left +
    ((Math.log10(Math.max(ms, 0.1)) - from) / (to - from || 1)) * (WIDTH - MARGIN.left - MARGIN.right)
  const y = (share: number) => HEIGHT - MARGIN.bottom - share * (HEIGHT - MARGIN.top - MARGIN.bottom)
  const right = WIDTH - MARGIN.right
  const decades = Array.from({ length: to - from + 1 }, (_, index) => 10 ** (from + index))
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<title>${escapeText(title)}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="white"/>`,
    `<text x="${MARGIN.left}" y="24" font-size="14">${escapeText(title)}</text>`,
    ...[0, 0.25, 0.5, 0.75, 0.9, 1].flatMap((share) => [
      `<line x1="${MARGIN.left}" x2="${right}" y1="${y(share)}" y2="${y(share)}" stroke="#ddd"/>`,
      `<text x="${MARGIN.left - 6}" y="${y(share) + 4}" text-anchor="end">${100 * share} %</text>`,
    ]),
    ...decades.flatMap((ms) => [
      `<line x1="${x(ms)}" x2="${x(ms)}" y1="${MARGIN.top}" y2="${y(0)}" stroke="#eee"/>`,
      `<text x="${x(ms)}" y="${y(0) + 18}" text-anchor="middle">${ms} ms</text>`,
    ]),
    ...drawn.flatMap(({ name, values }, index) => {
      const colour = COLOURS[index % COLOURS.length]
      const step = Math.max(1, Math.ceil(values.length / POINTS_MAX))
      const points = values
        .map((value, at) => `${x(value).toFixed(1)},${y((at + 1) / values.length).toFixed(1)}`)
        .filter((_, at) => at % step === 0 || at === values.length - 1)
      return [
        `<polyline points="${points.join(' ')}" fill="none" stroke="${colour}" stroke-width="1.5"/>`,
        `<text x="${right + 12}" y="${MARGIN.top + 16 * (index + 1)}" fill="${colour}">${escapeText(name)}</text>`,
      ]
    }),
    '</svg>\n',
  ].join('\n')
}

function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
