// openid-client through a whole login at each issuer. Standard input: the line that `portvakt dev --json --catalogue …`
// prints.

import './webcrypto.mjs'

import assert from 'node:assert/strict'
import test from 'node:test'

import * as oidc from 'openid-client'

import { Browser } from './browser.mjs'
import { PROFILES, Service, dev, person, refuses } from './relying_party.mjs'

for (const issuer of dev.issuers) {
  const clients = dev.clients.filter((client) => client.issuer === issuer.issuer && client.scopes.includes('profile'))
  const web = clients.find((client) => client.client_id === 'web')
  const at = `at ${issuer.profile}`

  test(`${at}, an unregistered redirect URI causes no redirect`, async () => {
    const service = await Service.at(issuer, web)
    const { url } = await service.begin({ redirectUri: 'http://localhost:3000/elsewhere' })
    const answer = await new Browser().send(url)
    assert.equal(answer.status, 400)
    assert.equal(answer.headers.get('location'), null)
  })

  test(`${at}, a wrong secret is invalid_client and spends nothing`, async () => {
    const service = await Service.at(issuer, web)
    const wrong = await Service.at(issuer, web, oidc.ClientSecretBasic('not-the-secret-of-this-client'))
    const login = await service.logIn()
    await refuses(wrong.redeem(login), 'invalid_client')
    assert.ok((await service.redeem(login)).access_token)
  })

  test(`${at}, a method that is not registered is invalid_client`, async () => {
    const service = await Service.at(issuer, web)
    const other = await Service.at(issuer, web, oidc.ClientSecretPost(web.client_secret))
    const login = await service.logIn()
    await refuses(other.redeem(login), 'invalid_client')
  })

  test(`${at}, another verifier is invalid_grant and spends nothing`, async () => {
    const service = await Service.at(issuer, web)
    const { callback, checks } = await service.logIn()
    const other = { ...checks, pkceCodeVerifier: oidc.randomPKCECodeVerifier() }
    await refuses(service.redeem({ callback, checks: other }), 'invalid_grant')
    assert.ok((await service.redeem({ callback, checks })).access_token)
  })

  test(`${at}, a replayed code is invalid_grant and takes back what it gave`, async () => {
    const service = await Service.at(issuer, web)
    const login = await service.logIn()
    const tokens = await service.redeem(login)
    const { sub } = tokens.claims()
    await oidc.fetchUserInfo(service.config, tokens.access_token, sub)
    await refuses(service.redeem(login), 'invalid_grant')
    await assert.rejects(oidc.fetchUserInfo(service.config, tokens.access_token, sub), { status: 401 })
  })

  if (PROFILES[issuer.profile].issInResponse) {
    test(`${at}, an answer without iss is refused by the client (RFC 9207 §2.4)`, async () => {
      const service = await Service.at(issuer, web)
      const { callback, checks } = await service.logIn()
      assert.equal(callback.searchParams.get('iss'), issuer.issuer)
      callback.searchParams.delete('iss')
      await assert.rejects(service.redeem({ callback, checks }), (refused) => /"iss"/.test(refused.cause.message))
    })
  }

  for (const client of clients) {
    test(`${at}, a whole login by ${client.client_id} (${client.token_endpoint_auth_method})`, async () => {
      const service = await Service.at(issuer, client)
      const { callback, checks } = await service.logIn()
      assert.equal(callback.searchParams.has('iss'), service.profile.issInResponse)
      const tokens = await service.redeem({ callback, checks })
      const claims = tokens.claims()
      assert.equal(claims.iss, issuer.issuer)
      assert.equal(claims.aud, client.client_id)
      assert.equal(claims.acr, service.profile.picked)
      assert.deepEqual(claims.amr, client.client_id === 'web-amr-array' ? ['TestID'] : service.profile.amr)
      assert.equal(claims.pid, person)
      // openid-client refuses another `sub` than the one it is given (OpenID Connect Core §5.3.2).
      const userinfo = await oidc.fetchUserInfo(service.config, tokens.access_token, claims.sub)
      assert.equal(userinfo.sub, claims.sub)
      assert.equal(userinfo.pid, person)
    })
  }
}
