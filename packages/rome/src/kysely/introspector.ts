/** What tables there are, told from the catalogue. */

import type { DatabaseIntrospector, DatabaseMetadataOptions, SchemaMetadata, TableMetadata } from 'kysely'
import type { Catalogue, CatalogueTable } from '../schema/catalogue.ts'

export class RomeIntrospector implements DatabaseIntrospector {
  readonly #catalogue: () => Catalogue

  constructor(catalogue: () => Catalogue) {
    this.#catalogue = catalogue
  }

  async getSchemas(): Promise<SchemaMetadata[]> {
    return []
  }

  async getTables(_options?: DatabaseMetadataOptions): Promise<TableMetadata[]> {
    return [...this.#catalogue().tables.values()].map(tableMetadata)
  }
}

function tableMetadata({ name, columns }: CatalogueTable): TableMetadata {
  return {
    name,
    isView: false,
    isForeign: false,
    columns: columns.map((column) => ({
      name: column.name,
      dataType: column.kind,
      isNullable: column.isNullable,
      isAutoIncrementing: false,
      hasDefaultValue: !column.isNullable,
    })),
  }
}
