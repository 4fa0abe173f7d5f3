/** What the command line itself can complain about. */

import { defineError } from '@atoll/kit'

export const PeerNotRunning = defineError({
  code: 'cli.peer.not_running',
  status: 503,
  fault: 'serviceUnavailable',
  message: ({ dataDirectory }: { dataDirectory: string }) =>
    `No peer runs on ${dataDirectory}. Start it with: atoll peer --data ${dataDirectory}, or name another directory with --data.`,
})

export const PeerNotYours = defineError({
  code: 'cli.peer.not_yours',
  status: 403,
  fault: 'forbidden',
  message: ({ dataDirectory }: { dataDirectory: string }) =>
    `The peer on ${dataDirectory} belongs to another user. Ask as its owner, for example with sudo.`,
})

export const PeerRefused = defineError({
  code: 'cli.peer.refused',
  status: 502,
  fault: 'badGateway',
  message: ({ reason }: { reason: string }) => `The peer answered: ${reason}`,
})

export const PeerEnded = defineError({
  code: 'cli.peer.ended',
  status: 502,
  fault: 'badGateway',
  message: ({ site, logPath, tail }: { site: string; logPath: string; tail: string }) =>
    `The peer of ${site} ended before it was ready. The end of ${logPath}:\n${tail}`,
})

export const PasswordFileUnreadable = defineError({
  code: 'cli.password_file.unreadable',
  status: 400,
  fault: 'badRequest',
  message: ({ path }: { path: string }) =>
    `The password cannot be read from ${path}: give a file that holds it in its first line.`,
})

export const BenchUnknown = defineError({
  code: 'cli.bench.unknown',
  status: 404,
  fault: 'itemNotFound',
  message: ({ name, known }: { name: string; known: readonly string[] }) =>
    `There is no benchmark named ${name}. There are: ${known.join(', ')}.`,
})

export const ScenarioUnknown = defineError({
  code: 'cli.scenario.unknown',
  status: 400,
  fault: 'badRequest',
  message: ({ name, known }: { name: string; known: readonly string[] }) =>
    `There is no scenario ${name}; there are ${known.join(', ')}.`,
})

export const DocsMissing = defineError({
  code: 'cli.docs.missing',
  status: 404,
  fault: 'itemNotFound',
  message: ({ path }: { path: string }) => `${path} is missing from this checkout.`,
})

export const PasswordUnknown = defineError({
  code: 'cli.password.unknown',
  status: 401,
  fault: 'unauthorized',
  message: ({ site }: { site: string }) =>
    `${site} did not found the cloud and does not know the administrator's password: set OS_PASSWORD.`,
})

export const RevocationUnconfirmed = defineError({
  code: 'cli.site.revocation_unconfirmed',
  status: 400,
  fault: 'badRequest',
  message: ({ site }: { site: string }) =>
    `Nothing was done. Shutting ${site} out cannot be taken back; say so with --yes.`,
})

export const RetirementUnconfirmed = defineError({
  code: 'cli.site.retirement_unconfirmed',
  status: 400,
  fault: 'badRequest',
  message: ({ site }: { site: string }) =>
    `Nothing was done. Retiring ${site} cannot be taken back, and what nobody else had heard of it is lost; say so with --yes.`,
})
