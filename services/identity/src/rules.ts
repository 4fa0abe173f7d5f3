/**
 * Who may do what, under Keystone's names. `admin` reaches here only from the default domain, so it is the cloud's;
 * a domain's own administrators have `manager` in a token scoped to the domain, as Keystone has it since 2024.2.
 */

import type { Rules } from '@atoll/http'

/** May be given away by the manager of a domain; the others speak for more than a domain. */
const domainManagedRole =
  "('manager':%(target.role.name)s or 'member':%(target.role.name)s or 'reader':%(target.role.name)s)"

const grantsOfDomain = (role: string) =>
  `(role:${role} and domain_id:%(target.user.domain_id)s and domain_id:%(target.scope.domain_id)s)`

export const identityRules: Rules = {
  admin_required: 'role:admin',
  /** Whoever has a token; the handler checks a further rule with its target, or shows only what is the caller's own. */
  'identity:authenticated': '@',
  owner: 'user_id:%(target.user.id)s',

  'identity:get_domain':
    'rule:admin_required or domain_id:%(target.domain.id)s or user_domain_id:%(target.domain.id)s',
  'identity:list_domains': 'rule:admin_required or role:reader',
  'identity:create_domain': 'rule:admin_required',
  'identity:update_domain': 'rule:admin_required',
  'identity:delete_domain': 'rule:admin_required',

  'identity:get_project':
    'rule:admin_required or (role:reader and domain_id:%(target.project.domain_id)s) or project_id:%(target.project.id)s',
  'identity:list_projects': 'rule:admin_required or (role:reader and domain_id:%(target.domain_id)s)',
  'identity:list_user_projects':
    'rule:admin_required or (role:reader and domain_id:%(target.user.domain_id)s) or rule:owner',
  'identity:create_project':
    'rule:admin_required or (role:manager and domain_id:%(target.project.domain_id)s)',
  'identity:update_project':
    'rule:admin_required or (role:manager and domain_id:%(target.project.domain_id)s)',
  'identity:delete_project':
    'rule:admin_required or (role:manager and domain_id:%(target.project.domain_id)s)',

  'identity:get_user':
    'rule:admin_required or (role:reader and domain_id:%(target.user.domain_id)s) or rule:owner',
  'identity:list_users': 'rule:admin_required or (role:reader and domain_id:%(target.domain_id)s)',
  'identity:create_user': 'rule:admin_required or (role:manager and domain_id:%(target.user.domain_id)s)',
  'identity:update_user': 'rule:admin_required or (role:manager and domain_id:%(target.user.domain_id)s)',
  'identity:delete_user': 'rule:admin_required or (role:manager and domain_id:%(target.user.domain_id)s)',
  'identity:change_password': 'rule:owner',

  'identity:get_role': 'rule:admin_required or role:manager',
  'identity:list_roles': 'rule:admin_required or role:manager',
  'identity:create_role': 'rule:admin_required',
  'identity:update_role': 'rule:admin_required',
  'identity:delete_role': 'rule:admin_required',

  'identity:check_grant': `rule:admin_required or ${grantsOfDomain('reader')}`,
  'identity:list_grants': `rule:admin_required or ${grantsOfDomain('reader')}`,
  'identity:create_grant': `rule:admin_required or (${grantsOfDomain('manager')} and ${domainManagedRole})`,
  'identity:revoke_grant': `rule:admin_required or (${grantsOfDomain('manager')} and ${domainManagedRole})`,
  'identity:list_role_assignments': 'rule:admin_required or (role:reader and domain_id:%(target.domain_id)s)',

  token_subject: 'user_id:%(target.token.user_id)s',
  'identity:validate_token': 'rule:admin_required or role:service or rule:token_subject',
  'identity:check_token': 'rule:admin_required or role:service or rule:token_subject',
  'identity:revoke_token': 'rule:admin_required or rule:token_subject',

  'identity:list_groups': 'rule:admin_required or role:reader',
  'identity:create_group': 'rule:admin_required',
}
