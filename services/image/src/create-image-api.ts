/** The API as one value: every endpoint of Image with its rules. */

import type { Api } from '@atoll/http'
import type { State } from '@atoll/state'
import { discoveryEndpoints } from './discovery/routes.ts'
import type { ImageBytes } from './image-data/bring.ts'
import { imageDataEndpoints } from './image-data/routes.ts'
import type { Uploads } from './image-data/uploads.ts'
import { imageEndpoints } from './images/routes.ts'
import { memberEndpoints } from './members/routes.ts'
import { imageRules } from './rules.ts'
import { schemaEndpoints } from './schemas/routes.ts'
import { tagEndpoints } from './tags/routes.ts'

export interface ImageDependencies extends ImageBytes {
  readonly state: State
  /** Shared with `createUploadRepair`, which must know what runs. */
  readonly uploads: Uploads
}

export function createImageApi(dependencies: ImageDependencies): Api {
  return {
    prefix: '/image',
    faults: 'glance',
    isOfProjects: true,
    rules: imageRules,
    endpoints: [
      ...discoveryEndpoints,
      ...schemaEndpoints,
      ...imageEndpoints(dependencies),
      ...imageDataEndpoints(dependencies),
      ...tagEndpoints(dependencies),
      ...memberEndpoints(dependencies),
    ],
  }
}
