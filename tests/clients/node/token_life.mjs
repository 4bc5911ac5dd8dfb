// openid-client after the login: refresh, introspection, revocation. Standard input: the line that `portvakt dev --json
// --catalogue …` prints.

import assert from 'node:assert/strict'
import test from 'node:test'

import { Service, clientAt, dev, issuerOf, person, refuses } from './relying_party.mjs'

/** The issuer whose clients can say how they refresh, and who may introspect. */
const current = issuerOf('idporten')

const oneTime = await Service.at(current, clientAt(current, 'onetime'))
const reuse = await Service.at(current, clientAt(current, 'reuse'))
const api = await Service.at(current, clientAt(current, 'api'))
const INCOME = 'openid profile skatt:inntekt'

for (const issuer of dev.issuers) {
  const at = `at ${issuer.profile}`

  test(`${at}, the ten fields register a refresh: both tokens are renewed, and a replay ends the grant`, async () => {
    const web = await Service.at(issuer, clientAt(issuer, 'web'))
    const first = await web.tokens()
    assert.equal(first.refresh_token_expires_in, issuer.profile === 'pilot' ? undefined : 600)
    const second = await web.renew(first)
    assert.notEqual(second.access_token, first.access_token)
    assert.notEqual(second.refresh_token, first.refresh_token)
    const third = await web.renew(second)
    await refuses(web.renew(first), 'invalid_grant')
    await refuses(web.renew(third), 'invalid_grant')
  })

  test(`${at}, after a revocation there is no refresh`, async () => {
    const web = await Service.at(issuer, clientAt(issuer, 'web'))
    const tokens = await web.tokens()
    await web.revoke(tokens.access_token)
    await refuses(web.renew(tokens), 'invalid_grant')
    // RFC 7009 §2.2: a token that is nothing is as good as revoked.
    await web.revoke(tokens.refresh_token)
  })
}

test('at pilot, anybody may ask what an access token is', async () => {
  const pilot = issuerOf('pilot')
  const web = await Service.at(pilot, clientAt(pilot, 'web'))
  assert.deepEqual(await web.introspect('a-token-that-nobody-gave'), { active: false })
  const { access_token: token } = await web.tokens()
  const told = await web.introspect(token)
  assert.equal(told.active, true)
  assert.equal(told.client_id, 'web')
  assert.equal(told.scope, 'openid profile')
  await web.revoke(token)
  assert.deepEqual(await web.introspect(token), { active: false })
})

test('a refresh gives no scope that was not given before', async () => {
  const tokens = await oneTime.tokens('openid profile')
  await refuses(oneTime.renew(tokens, { scope: INCOME }), 'invalid_scope')
  assert.ok((await oneTime.renew(tokens)).access_token)
})

test('another client may not refresh', async () => {
  const tokens = await oneTime.tokens(INCOME)
  await refuses(reuse.renew(tokens), 'invalid_grant')
})

test('a refresh token that may be reused stays', async () => {
  const first = await reuse.tokens(INCOME)
  const second = await reuse.renew(first)
  assert.equal(second.refresh_token, first.refresh_token)
  assert.notEqual((await reuse.renew(first)).access_token, second.access_token)
})

test('a client without a secret gets a new refresh token each time', async () => {
  const browser = await Service.at(current, clientAt(current, 'browser'))
  const first = await browser.tokens()
  const second = await browser.renew(first)
  assert.notEqual(second.refresh_token, first.refresh_token)
  await browser.renew(second)
  await refuses(browser.renew(first), 'invalid_grant')
})

test('introspection tells a client without the right nothing', async () => {
  const { access_token: token } = await oneTime.tokens(INCOME)
  assert.deepEqual(await oneTime.introspect(token), { active: false })
})

test('introspection tells the API nothing of a token without its scope', async () => {
  const { access_token: token } = await oneTime.tokens('openid profile')
  assert.deepEqual(await api.introspect(token), { active: false })
})

test('introspection tells the API what the token says', async () => {
  const tokens = await oneTime.tokens(INCOME)
  const told = await api.introspect(tokens.access_token)
  assert.equal(told.active, true)
  assert.equal(told.iss, current.issuer)
  assert.equal(told.client_id, 'onetime')
  assert.equal(told.sub, tokens.claims().sub)
  assert.equal(told.pid, person)
  assert.ok(told.scope.split(' ').includes('skatt:inntekt'), told.scope)
})

for (const kind of ['access_token', 'refresh_token']) {
  test(`a revoked ${kind} takes the whole grant along`, async () => {
    const first = await oneTime.tokens(INCOME)
    const second = await oneTime.renew(first)
    assert.equal((await api.introspect(second.access_token)).active, true)
    await oneTime.revoke(second[kind])
    for (const tokens of [first, second]) {
      assert.deepEqual(await api.introspect(tokens.access_token), { active: false })
      await refuses(oneTime.renew(tokens), 'invalid_grant')
    }
  })
}

test('revocation by another client takes nothing back', async () => {
  const tokens = await oneTime.tokens(INCOME)
  for (const token of [tokens.refresh_token, tokens.access_token]) await refuses(reuse.revoke(token), 'invalid_grant')
  assert.equal((await api.introspect(tokens.access_token)).active, true)
  assert.ok((await oneTime.renew(tokens)).access_token)
})
