/** The catalogue of errors: every `defineError` of every workspace, with its message as it is written in the code. */

import { globSync, readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { type ErrorDefinition, errorCatalogue } from '@atoll/kit'
import { code, page, table } from './markdown.ts'

const INTRODUCTION = `An error has a stable code, the HTTP status and fault name that an OpenStack client expects, and a message for
whoever reads it; its cause goes to the log only. Clients see the code in the API forms that have a field for it, operators
see it in the log, and peers send it to each other as \`Atoll-Error\`. In a message, \`{…}\` is filled in. Where clients read something
else than operators, both are there.`

/** @param projectHome root of the checkout, with a final slash */
export async function errorsPage(projectHome: string): Promise<string> {
  const paths = globSync('{packages,services,apps}/*/src/**/*.ts', { cwd: projectHome })
    .filter((path) => !path.endsWith('.test.ts') && !path.includes('node_modules'))
    .sort()
  const messages = new Map<string, string>()
  for (const path of paths) {
    const text = readFileSync(projectHome + path, 'utf8')
    const definitions = text.split(/\bdefineError(?:<[^(]*>)?\(\{/).slice(1)
    for (const definition of definitions) {
      const found = /code: '([^']+)'/.exec(definition)?.[1]
      if (found) messages.set(found, messageIn(definition))
    }
    if (definitions.length > 0) await import(pathToFileURL(projectHome + path).href)
  }
  const areas = Map.groupBy(errorCatalogue(), (definition) => definition.code.split('.')[0] ?? '')
  const sections = [...areas].map(([area, definitions]) => {
    const rows = definitions.map((definition) => [
      code(definition.code),
      String(definition.status),
      code(definition.fault),
      (messages.get(definition.code) || '*says what was wrong*') + clientsRead(definition),
    ])
    return `## ${area}\n\n${table(['code', 'status', 'fault', 'message'], rows)}`
  })
  return page('Errors', INTRODUCTION, ...sections)
}

// Such a sentence says nothing of the case, or it would not be for everybody.
function clientsRead({ publicMessage }: ErrorDefinition<never>): string {
  return publicMessage ? ` — clients read: ${publicMessage({} as never)}` : ''
}

function messageIn(definition: string): string {
  const body = /message:([\s\S]*?)\n\}\)/.exec(`${definition.split(/\n\}\)/)[0]}\n})`)?.[1] ?? ''
  return literalsIn(body.split('publicMessage:')[0] ?? '')
}

/** The literal that a message is made of; several where it depends on the case. */
function literalsIn(body: string): string {
  const afterArrow = body.slice(body.indexOf('=>') + 2)
  const literals = [
    ...afterArrow.matchAll(/`((?:[^`\\]|\\.)*)`|'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)"/g),
  ]
  const texts = literals
    .map((match) => (match[1] ?? match[2] ?? match[3] ?? '').replaceAll('\\', ''))
    .map((text) => text.replaceAll(/\$\{([^}]*)\}/g, (_whole, value: string) => `{${nameOf(value)}}`))
    .filter((text) => /[a-z]{2} /i.test(text))
  return texts.join(' — or: ')
}

/** `id` of `id.slice(0, 64)`, `columns` of `columns.join(', ')`. */
function nameOf(expression: string): string {
  return /[A-Za-z]\w*/.exec(expression.replace(/^String\(/, ''))?.[0] ?? '…'
}
