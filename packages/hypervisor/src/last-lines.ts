/** The end of a text, by lines. */

/** The last `count` lines of `text`; a line break at the very end opens no further line. */
export function lastLines(text: string, count: number): string {
  if (count <= 0) return ''
  let start = text.endsWith('\n') ? text.length - 1 : text.length
  for (let line = 0; line < count; line++) {
    if (start <= 0) return text
    start = text.lastIndexOf('\n', start - 1)
    if (start < 0) return text
  }
  return text.slice(start + 1)
}
