/** Round trips between sites, measured or made up: what every simulated network is given. */

export interface RttMatrix {
  /** How many rows, and columns, it has. */
  readonly size: number
  /** The round trip in milliseconds; `from` and `to` are in `[0, size)`, and the way to oneself takes none. */
  rttMs(from: number, to: number): number
}
