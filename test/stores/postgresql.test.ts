import { postgresqlPackages, startPostgresql } from '@atoll/lab'
import { inPlaceOf, sqlSuites } from './sql-suites.ts'

const rewrite = inPlaceOf('begin isolation level serializable', 'begin')

await sqlSuites('PostgreSQL', {
  packages: postgresqlPackages,
  start: startPostgresql,
  weaker: {
    'read committed': { rewrite },
    'snapshots alone': {
      rewrite,
      prepare: (database) =>
        `alter database "${database}" set default_transaction_isolation = 'repeatable read'`,
    },
  },
})
