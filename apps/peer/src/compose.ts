/**
 * The composition root: all services of one peer over one state, with the world as a parameter. Nothing here listens,
 * waits or decides; it only says what is connected to what.
 */

import { type KeyObject, createPublicKey } from 'node:crypto'
import {
  computeRecords,
  computeTables,
  createComputeApi,
  createHostSnapshots,
  createMetadataService,
  HostAgent,
  hosts as hostRecords,
  makeConfigDrive,
  quotaFounders,
} from '@atoll/compute'
import { Federation, federationRecords, federationTables, type SiteHint } from '@atoll/federation'
import type { Api } from '@atoll/http'
import {
  createCatalog,
  createIdentityApi,
  createTokens,
  DEFAULT_DOMAIN_ID,
  domains,
  identityRecords,
  projects,
  type TokenKeys,
  type Tokens,
} from '@atoll/identity'
import { createImageApi, createImageCache, imageRecords, images as imageTable } from '@atoll/image'
import type { Service } from '@atoll/kit'
import { createNetworkAgent, createNetworkApi, networkForCompute, networkRecords, subnets } from '@atoll/network'
import { cloudScope, type Founder, type RecordTable, State } from '@atoll/state'
import { HostPlaces } from './places.ts'
import { remoteChunks } from './remote-chunks.ts'
import type { SiteFile } from './site-file.ts'
import { wantedShares } from './wanted-shares.ts'
import type { World } from './world.ts'
