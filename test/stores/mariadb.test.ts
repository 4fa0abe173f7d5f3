import { mariadbPackages, startMariadb } from '@atoll/lab'
import { inPlaceOf, sqlSuites } from './sql-suites.ts'

await sqlSuites('MariaDB', {
  packages: mariadbPackages,
  start: startMariadb,
  weaker: {
    // What the server does of itself: plain reads lock nothing.
    'repeatable reads alone': {
      rewrite: inPlaceOf('set session transaction isolation level serializable', 'set @weaker = 1'),
    },
  },
})
