/**
 * What a count of rare events allows to claim: the largest mean that would have shown so few with a chance of at least
 * 1 - confidence (F. Garwood, Biometrika 28, 1936). For none it is -ln(1 - confidence): the rule of three at 95 %.
 */
export function poissonUpperBound(count: number, confidence = 0.95): number {
  let [low, high] = [0, count + 10 * Math.sqrt(count + 1) + 10]
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2
    if (chanceOfAtMost(count, middle) > 1 - confidence) low = middle
    else high = middle
  }
  return high
}

function chanceOfAtMost(count: number, mean: number): number {
  let [term, sum] = [Math.exp(-mean), 0]
  for (let events = 0; events <= count; events++) {
    sum += term
    term *= mean / (events + 1)
  }
  return sum
}
