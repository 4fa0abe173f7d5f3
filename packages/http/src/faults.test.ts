import assert from 'node:assert/strict'
import test from 'node:test'
import { defineError } from '@atoll/kit'
import { Forbidden } from './errors.ts'
import { type FaultFamily, faultBody } from './faults.ts'

const title = 'Forbidden'

const refusals: readonly [family: FaultFamily, rule: string, body: object][] = [
  [
    'nova',
    'os_compute_api:servers:create',
    {
      forbidden: {
        code: 403,
        message: "Policy doesn't allow os_compute_api:servers:create to be performed.",
      },
    },
  ],
  [
    'keystone',
    'identity:create_project',
    {
      error: {
        code: 403,
        message: 'You are not authorized to perform the requested action: identity:create_project.',
        title,
      },
    },
  ],
  [
    'neutron',
    'create_network:shared',
    {
      NeutronError: {
        type: 'PolicyNotAuthorized',
        message: '(rule:create_network and rule:create_network:shared) is disallowed by policy',
        detail: '',
      },
    },
  ],
  [
    'neutron',
    'get_agent',
    {
      NeutronError: {
        type: 'PolicyNotAuthorized',
        message: 'rule:get_agent is disallowed by policy',
        detail: '',
      },
    },
  ],
  [
    'glance',
    'publicize_image',
    {
      message: 'You are not authorized to complete publicize_image action.',
      code: '403 Forbidden',
      title,
    },
  ],
  [
    'placement',
    'placement:usages',
    {
      errors: [
        {
          status: 403,
          request_id: 'req-1',
          code: 'http.forbidden',
          title,
          detail: 'Policy does not allow placement:usages to be performed.',
        },
      ],
    },
  ],
]
for (const [family, rule, body] of refusals) {
  test(`${family} refuses ${rule} in its own words`, () => {
    assert.deepEqual(faultBody(family, Forbidden({ rule }), 'req-1'), body)
  })
}

test('where operators are told more, clients read less', () => {
  const Broken = defineError({
    code: 'http.test.broken',
    status: 503,
    fault: 'serviceUnavailable',
    message: ({ address }: { address: string }) => `Nobody answers at ${address}.`,
    publicMessage: () => 'Not now.',
  })
  const error = Broken({ address: '192.0.2.7' })
  assert.equal(error.message, 'Nobody answers at 192.0.2.7.')
  for (const family of ['nova', 'keystone', 'neutron', 'glance', 'placement'] as const) {
    const body = JSON.stringify(faultBody(family, error, 'req-1'))
    assert.match(body, /Not now\./)
    assert.doesNotMatch(body, /192\.0\.2\.7/)
  }
})
