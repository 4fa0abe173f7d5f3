/** Who may do what, by Glance's rule names and defaults (glance/policies). What a token may see is its scope's to decide. */

import type { Rules } from '@atoll/http'

const OWNER = 'project_id:%(project_id)s'
const MEMBER = 'project_id:%(member_id)s'
const SHOWN = `${OWNER} or ${MEMBER} or 'community':%(visibility)s or 'public':%(visibility)s or 'shared':%(visibility)s`

export const imageRules: Rules = {
  context_is_admin: 'role:admin',
  /** Whoever has a token: what is read is the same for all. */
  default: '@',
  owner_member: `rule:context_is_admin or (role:member and ${OWNER})`,
  owner_reader: `rule:context_is_admin or (role:reader and ${OWNER})`,

  add_image: 'rule:owner_member',
  get_images: 'rule:owner_reader',
  get_image: `rule:context_is_admin or (role:reader and (${SHOWN}))`,
  modify_image: 'rule:owner_member',
  delete_image: 'rule:owner_member',
  publicize_image: 'rule:context_is_admin',
  communitize_image: 'rule:owner_member',

  upload_image: 'rule:owner_member',
  download_image: `rule:context_is_admin or (role:member and (${SHOWN}))`,
  deactivate: 'rule:owner_member',
  reactivate: 'rule:owner_member',

  add_member: 'rule:owner_member',
  delete_member: 'rule:owner_member',
  get_member: `rule:context_is_admin or (role:reader and (${OWNER} or ${MEMBER}))`,
  get_members: `rule:context_is_admin or (role:reader and (${OWNER} or ${MEMBER}))`,
  modify_member: `rule:context_is_admin or (role:member and ${MEMBER})`,
}
