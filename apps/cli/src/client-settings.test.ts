import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import test from 'node:test'
import { parse } from 'yaml'
import { cloudsYaml, openrc } from './client-settings.ts'

const apiUrl = 'http://192.0.2.7:8774/'

test('a shell reads the password that was meant, whatever it holds', () => {
  for (const password of ['plain', 'it\'s $HOME `id` \\ "q"', 'two words', ';reboot']) {
    const script = `${openrc({ apiUrl, password })}printf %s "$OS_PASSWORD"`
    assert.equal(execFileSync('sh', ['-c', script]).toString(), password)
  }
})

test('without a password the variable is left to the user', () => {
  const text = openrc({ apiUrl, password: undefined })
  assert.doesNotMatch(text, /OS_PASSWORD/)
  assert.match(text, /^export OS_AUTH_URL=http:\/\/192\.0\.2\.7:8774\/identity\/v3$/m)
})

test('clouds.yaml has one entry for each name', () => {
  const { clouds } = parse(
    cloudsYaml({ east: { apiUrl, password: 'a: b' }, west: { apiUrl, password: undefined } }),
  )
  assert.equal(clouds.east.auth.password, 'a: b')
  assert.equal(clouds.east.auth.auth_url, 'http://192.0.2.7:8774/identity/v3')
  assert.equal('password' in clouds.west.auth, false)
})
