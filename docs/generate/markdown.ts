/** The few forms of Markdown that the reference pages are made of. */

/** A page that nobody should edit. */
export function page(title: string, introduction: string, ...sections: readonly string[]): string {
  const note = '<!-- Made from the code by docs/generate.ts; do not edit. -->'
  return `${[`# ${title}`, note, introduction, ...sections].join('\n\n')}\n`
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.map(cell).join(' | ')} |`)
    .join('\n')
}

/** Text in code face, or nothing. */
export function code(text: string | undefined): string {
  return text ? `\`${text}\`` : ''
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll(/\s+/g, ' ').trim()
}
