/** What can go wrong between the peers of one site. */

import { defineError } from '@atoll/kit'

export const HostTaken = defineError({
  code: 'site.host.taken',
  status: 409,
  fault: 'conflictingRequest',
  message: ({ host }: { host: string }) =>
    `Another peer serves the host ${host} by now; what this one reports of it does not count.`,
})

export const StoreOfAnotherSite = defineError({
  code: 'site.store.of_another_site',
  status: 409,
  fault: 'conflictingRequest',
  message: ({ cloud, site }: { cloud: string; site: string }) =>
    `The store holds the state of the site ${site} of the cloud ${cloud}. Give each site a store of its own, or a part of one: see docs/stores.md.`,
})

export const PeerNameTaken = defineError({
  code: 'site.peer.name_taken',
  status: 409,
  fault: 'conflictingRequest',
  message: ({ name }: { name: string }) =>
    `Another peer of this site runs under the name ${name}. Every peer of a site has a name, and keys, of its own.`,
})
