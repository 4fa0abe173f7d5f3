/** The settings of a peer: names and comments from the source of their schema, types and limits from the schema itself. */

import { existsSync, readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { code, page, table } from './markdown.ts'

const SOURCE = 'apps/peer/src/settings.ts'

const INTRODUCTION = `A peer reads \`settings.yaml\` in its data directory. Every setting is optional; one that is unknown or has a
wrong value is refused at the start, by name.`

interface Schema {
  readonly type?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly anyOf?: readonly Schema[]
  readonly items?: Schema
  readonly const?: string | number | boolean
  readonly default?: unknown
  readonly format?: string
  readonly pattern?: string
  readonly minimum?: number
  readonly maximum?: number
}

/** @param projectHome root of the checkout, with a final slash */
export async function settingsPage(projectHome: string): Promise<string> {
  const path = projectHome + SOURCE
  if (!existsSync(path)) return page('Settings', INTRODUCTION)
  const { SettingsSchema } = (await import(pathToFileURL(path).href)) as { SettingsSchema: Schema }
  const comments = commentsIn(readFileSync(path, 'utf8'))
  const row = (path: string, schema: Schema) => [code(path), valuesOf(schema), comments.get(path) ?? '']
  const sections = Object.entries(SettingsSchema.properties ?? {}).map(([group, schema]) => {
    const rows = schema.properties
      ? Object.entries(schema.properties).map(([name, each]) => row(`${group}.${name}`, each))
      : [row(group, schema)]
    return `## ${group}\n\n${table(['setting', 'value', 'meaning'], rows)}`
  })
  return page('Settings', INTRODUCTION, ...sections)
}

function valuesOf({
  type,
  anyOf,
  items,
  const: constant,
  format,
  pattern,
  minimum,
  maximum,
}: Schema): string {
  if (constant !== undefined) return code(String(constant))
  if (anyOf) return anyOf.map(valuesOf).join(', ')
  if (items) return `list of ${valuesOf(items)}`
  if (minimum !== undefined && maximum !== undefined) return `${type}, ${minimum} to ${maximum}`
  if (minimum !== undefined) return `${type}, at least ${minimum}`
  return [type, format ?? code(pattern)].filter(Boolean).join(', ')
}

/** The comment above each property of the schema, by its dotted path, which the indentation tells. */
function commentsIn(text: string): ReadonlyMap<string, string> {
  const comments = new Map<string, string>()
  const groups: { readonly indent: number; readonly name: string }[] = []
  let comment = ''
  for (const match of text.matchAll(/\/\*\*([\s\S]*?)\*\/|^( +)(\w+): Type\.(\w+)\(/gm)) {
    const [, words, spaces = '', name = '', kind] = match
    if (words !== undefined) {
      comment = words.replaceAll(/\s*\n\s*\*\s?/g, ' ').trim()
      continue
    }
    while ((groups.at(-1)?.indent ?? -1) >= spaces.length) groups.pop()
    comments.set([...groups.map((group) => group.name), name].join('.'), comment)
    if (kind === 'Object') groups.push({ indent: spaces.length, name })
    comment = ''
  }
  return comments
}
