/** The files that the rules look at: every TypeScript source of the workspaces, and the texts beside them. */

import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { blank, type Span, scan } from './scan.ts'

/** The root of the checkout, with a final slash. */
export const projectHome = fileURLToPath(new URL('../..', import.meta.url))

export interface Source {
  /** From the root of the checkout, with slashes. */
  readonly path: string
  readonly text: string
  /** The text without comments and literals; lines and columns stay. */
  readonly code: string
  /** The text without comments; lines and columns stay. */
  readonly uncommented: string
  readonly comments: readonly Comment[]
}

export interface Comment {
  /** Without the signs that begin and end it. */
  readonly text: string
  readonly isBlock: boolean
  /** From 1. */
  readonly line: number
}

export function parseSource(path: string, text: string): Source {
  const spans = scan(text)
  return {
    path,
    text,
    code: blank(text, spans, ['line comment', 'block comment', 'literal']),
    uncommented: blank(text, spans, ['line comment', 'block comment']),
    comments: spans.filter(({ kind }) => kind !== 'literal').map((span) => commentAt(text, span)),
  }
}

/** Every source of the checkout, in order of path. */
export function readSources(): readonly Source[] {
  return readTexts('ts').map(({ path, text }) => parseSource(path, text))
}

/** Every file with that ending, outside of what is installed or generated. */
export function readTexts(ending: string): readonly { readonly path: string; readonly text: string }[] {
  const paths = globSync([`*.${ending}`, `{packages,services,apps,test,bench,docs}/**/*.${ending}`], {
    cwd: projectHome,
    exclude: (name) => name === 'node_modules' || name === '.atoll',
  })
  return paths
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => !path.includes('node_modules/'))
    .sort()
    .map((path) => ({ path, text: readFileSync(projectHome + path, 'utf8') }))
}

/** A test, or what tests are made of: it may do what production code may not. */
export function isTestCode(path: string): boolean {
  return (
    /^(test|bench)\//.test(path) ||
    /(^|\/)testing\//.test(path) ||
    /(^|[/.-])(test|tests|testing|suite|conformance)([.-][a-z0-9.-]+)?\.ts$/.test(path)
  )
}

export function lineAt(text: string, index: number): number {
  return text.slice(0, index).split('\n').length
}

function commentAt(text: string, { kind, start, end }: Span): Comment {
  const isBlock = kind === 'block comment'
  const raw = text.slice(start, end)
  const inner = isBlock ? raw.replace(/^\/\*+/, '').replace(/\*+\/$/, '') : raw.slice(2)
  return { text: inner.replaceAll(/^\s*\*? ?/gm, '').trim(), isBlock, line: lineAt(text, start) }
}
