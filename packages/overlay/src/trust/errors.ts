/** What can go wrong with keys, certificates and joining; each message says what to do. */

import { defineError } from '@atoll/kit'

export const NameInvalid = defineError({
  code: 'overlay.name.invalid',
  status: 400,
  fault: 'badRequest',
  message: ({ what, name }: { what: string; name: string }) =>
    `Invalid ${what} name ${JSON.stringify(name.slice(0, 80))}: use 1 to 63 of a-z, 0-9 and -, with no - at either end.`,
})

export const KeysMissing = defineError({
  code: 'overlay.keys.missing',
  status: 500,
  fault: 'internalServerError',
  message: ({ path }: { path: string }) =>
    `${path} does not exist. Found a cloud or join one first; if only this file is lost, restore it from a backup.`,
})

export const KeysCorrupt = defineError({
  code: 'overlay.keys.corrupt',
  status: 500,
  fault: 'internalServerError',
  message: ({ path, reason }: { path: string; reason: string }) =>
    `${path} cannot be used: ${reason}. Restore it from a backup, or remove the directory and join again.`,
})

export const KeysExposed = defineError({
  code: 'overlay.keys.exposed',
  status: 500,
  fault: 'internalServerError',
  message: ({ path, mode }: { path: string; mode: string }) =>
    `${path} has mode ${mode}, so others can read it. Run: chmod go= ${path}`,
})

export const KeysExist = defineError({
  code: 'overlay.keys.exist',
  status: 409,
  fault: 'conflictingRequest',
  message: ({ directory }: { directory: string }) =>
    `${directory} already holds the keys of a peer. Remove it first if this peer shall belong to another cloud.`,
})

export const PeerIdentityInvalid = defineError({
  code: 'overlay.peer.identity_invalid',
  status: 401,
  fault: 'unauthorized',
  message: ({ reason }: { reason: string }) => `The certificate of the peer is refused: ${reason}.`,
})

export const JoinTokenMalformed = defineError({
  code: 'overlay.join.token_malformed',
  status: 400,
  fault: 'badRequest',
  message: () => 'This is no join token. Copy the whole line that starts with "atoll1." and try again.',
})

/** One error for an unknown id and for a wrong secret, so that the answer does not tell which ids exist. */
export const JoinTokenOfOtherKind = defineError({
  code: 'overlay.join.token_of_other_kind',
  status: 400,
  fault: 'badRequest',
  message: ({ isFor }: { isFor: 'a site' | 'a peer' }) =>
    isFor === 'a site'
      ? 'This token lets a new site into the cloud, and no peer into a site: give the name of the new site.'
      : 'This token lets a new peer into a site that there is, and no new site into the cloud: leave out the name of a site.',
})

export const JoinPeerTaken = defineError({
  code: 'overlay.join.peer_taken',
  status: 409,
  fault: 'conflictingRequest',
  message: ({ peer }: { peer: string }) => `The site already has a peer named ${peer}. Choose another name.`,
})

export const JoinPeerMismatch = defineError({
  code: 'overlay.join.peer_mismatch',
  status: 403,
  fault: 'forbidden',
  message: ({ peer }: { peer: string }) =>
    `The token was issued for a peer of another name than ${peer}. Join with that name, or issue another token.`,
})

export const JoinTokenUnknown = defineError({
  code: 'overlay.join.token_unknown',
  status: 401,
  fault: 'unauthorized',
  message: () => 'The cloud does not know this join token. Issue another one and try again.',
})

export const JoinTokenExpired = defineError({
  code: 'overlay.join.token_expired',
  status: 401,
  fault: 'unauthorized',
  message: () => 'The join token has expired. Issue another one and try again.',
})

export const JoinTokenUsed = defineError({
  code: 'overlay.join.token_used',
  status: 409,
  fault: 'conflictingRequest',
  message: () => 'The join token has been used by another. Issue one token for each site and each peer.',
})

export const JoinSiteMismatch = defineError({
  code: 'overlay.join.site_mismatch',
  status: 403,
  fault: 'forbidden',
  message: ({ site }: { site: string }) =>
    `The join token was issued for a site of another name than ${site}. Join with that name, or issue another token.`,
})

export const JoinSiteTaken = defineError({
  code: 'overlay.join.site_taken',
  status: 409,
  fault: 'conflictingRequest',
  message: ({ site }: { site: string }) => `The cloud already has a site named ${site}. Choose another name.`,
})

/** Names that begin with the name of another site and `--` are that site's to give, and no others are. */
export const JoinSiteNameReserved = defineError({
  code: 'overlay.join.site_name_reserved',
  status: 403,
  fault: 'forbidden',
  message: ({ site, example }: { site: string; example: string }) =>
    `A site named ${site} cannot be admitted here, since another site could give the same name. Take one such as ${example}.`,
})

export const JoinCodesUsedUp = defineError({
  code: 'overlay.join.codes_used_up',
  status: 409,
  fault: 'conflictingRequest',
  message: () => 'This site has admitted as many sites as it may. Let another one issue the token.',
})

export const JoinRequestMalformed = defineError({
  code: 'overlay.join.request_malformed',
  status: 400,
  fault: 'badRequest',
  message: ({ reason }: { reason: string }) => `The join request is refused: ${reason}.`,
})

/** Seen by the joiner: whoever answered is not the cloud that issued the token. */
export const JoinAnswerInvalid = defineError({
  code: 'overlay.join.answer_invalid',
  status: 502,
  fault: 'badGateway',
  message: ({ reason }: { reason: string }) =>
    `The answer to the join request is refused: ${reason}. Check that the address is of the cloud that issued the token.`,
})

/** Seen by the joiner: the cloud's own words. */
export const JoinRefused = defineError({
  code: 'overlay.join.refused',
  status: 403,
  fault: 'forbidden',
  message: ({ words }: { words: string }) => `The cloud refuses the join: ${words.slice(0, 500)}`,
})

export const CannotCertify = defineError({
  code: 'overlay.certificate.cannot_certify',
  status: 403,
  fault: 'forbidden',
  message: ({ site }: { site: string }) =>
    `This site cannot certify ${site}: ask the one that has admitted it, or the one that holds the key of the cloud.`,
})

export const CertificateExpiredLongAgo = defineError({
  code: 'overlay.certificate.expired_long_ago',
  status: 403,
  fault: 'forbidden',
  message: ({ site }: { site: string }) =>
    `The certificate of site ${site} has expired so long ago that it is not renewed any more: let the site join anew.`,
})

/** Seen by the site that asked. */
export const CertificateAnswerInvalid = defineError({
  code: 'overlay.certificate.answer_invalid',
  status: 502,
  fault: 'badGateway',
  message: () => 'The certificate that came back is not the one that was asked for; the present one stays.',
})
