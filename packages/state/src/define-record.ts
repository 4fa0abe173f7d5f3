/** Records: the tables that clients see and that sites replicate, with the columns that every one carries. */

import {
  type Columns,
  commitNumber,
  defineTable,
  integer,
  json,
  type Row,
  type Table,
  text,
} from '@atoll/rome'
import type { Expression, ExpressionBuilder, SqlBool } from 'kysely'
import type { ProjectScope } from './scope.ts'
import type { SiteScope } from './site-scope.ts'

/** The columns of DESIGN's federated tables. Times are milliseconds since the Unix epoch. */
export const recordColumns = {
  id: text(),
  /** Name of the one site that may write this record. */
  home: text(),
  /** Rises when the home moves. */
  generation: integer(1),
  /** Position of the latest change in the feed of `home`. */
  seq: commitNumber(),
  /** The tenant that owns the record; null for what belongs to the cloud itself. */
  project_id: text().nullable(),
  created_at: integer(),
  updated_at: integer().nullable(),
  /** Set in a tombstone. */
  deleted_at: integer().nullable(),
  /** Where it may be stored; null for everywhere. */
  site_scope: json<SiteScope | null>(null).nullable(),
  /** How the home came to where it is: one signed hand-over for each generation after the first. See `Move`. */
  moves: json<readonly string[]>([]),
  /** Columns that a newer peer sent and this one does not know; handed on unchanged. */
  unknown_columns: json<Readonly<Record<string, unknown>>>({}),
}

type RecordColumns = typeof recordColumns

/** A row of any record. */
export type AnyRecord = Row<Table<string, RecordColumns>>

export interface RecordTable<Name extends string = string, C extends Columns = Columns>
  extends Table<Name, RecordColumns & C> {
  readonly audience: Audience
  /** See `RecordOptions.ids`. */
  readonly ids: IdOrigin
  /** See `RecordOptions.authority`. */
  readonly authority: ((row: Readonly<Record<string, unknown>>) => string | null) | null
  /** See `RecordOptions.soleHome`. */
  readonly soleHome: ((row: Readonly<Record<string, unknown>>) => string) | null
  /** See `RecordOptions.followsUse`. */
  readonly followsUse: ((row: Readonly<Record<string, unknown>>) => boolean) | null
  /** See `RecordOptions.isEverywhere`. */
  readonly isEverywhere: boolean
}

/**
 * Who sees a record beside administrators: its `project`; `everyone`, whatever their project; or those for whom
 * an expression holds (an image that is public, a network that is shared).
 */
export type Audience =
  | 'project'
  | 'everyone'
  | ((query: AudienceBuilder, scope: ProjectScope) => Expression<SqlBool>)

/**
 * Where the ids of a table come from. `minted`: by the site where the record is made, whose code they carry, so that
 * nobody else can pass it off as its own. `given`: minted too, or chosen by a client; a chosen one counts only from a
 * site that keeps what the whole cloud names uniquely.
 */
export type IdOrigin = 'minted' | 'given'

export type AudienceBuilder = ExpressionBuilder<Record<string, Record<string, unknown>>, string>

export interface RecordOptions<C extends Columns> {
  readonly audience?: Audience
  /** Default: `minted`. */
  readonly ids?: IdOrigin
  /** As in `defineTable`. Unique columns should begin with `home` where two homes may choose the same value. */
  readonly indexes?: readonly (readonly (keyof (RecordColumns & C) & string)[])[]
  readonly unique?: readonly (readonly (keyof (RecordColumns & C) & string)[])[]
  /**
   * Names the domain whose sites alone may be the home of such a record; a replica from another site is refused.
   * Null: any site may be its home.
   */
  readonly authority?: (row: Row<Table<string, RecordColumns & C>>) => string | null
  /** Names the only site that can be the home of this very row, whatever its id: what a site says of itself. */
  readonly soleHome?: (row: Row<Table<string, RecordColumns & C>>) => string
  /** The home moves to where the record is written, as long as this holds: a port goes with its server. */
  readonly followsUse?: (row: Row<Table<string, RecordColumns & C>>) => boolean
  /** It is stored at all sites, whatever its project says of its records: what every site must know of a project. */
  readonly isEverywhere?: boolean
}

/** Defines a record table; `columns` come beside those of every record. */
export function defineRecord<const Name extends string, C extends Columns>(
  name: Name,
  columns: C,
  options: RecordOptions<C> = {},
): RecordTable<Name, C> {
  const table = defineTable<Name, RecordColumns & C>(
    name,
    { ...recordColumns, ...columns },
    {
      primaryKey: ['id'],
      indexes: [['home', 'seq'], ['project_id', 'created_at'], ...(options.indexes ?? [])],
      unique: options.unique ?? [],
    },
  )
  return Object.freeze({
    ...table,
    audience: options.audience ?? 'project',
    ids: options.ids ?? 'minted',
    authority: (options.authority as RecordTable['authority'] | undefined) ?? null,
    soleHome: (options.soleHome as RecordTable['soleHome'] | undefined) ?? null,
    followsUse: (options.followsUse as RecordTable['followsUse'] | undefined) ?? null,
    isEverywhere: options.isEverywhere ?? false,
  }) as RecordTable<Name, C>
}
