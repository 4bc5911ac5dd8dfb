// openid-client through a whole login at each issuer. Standard input: the line that `portvakt dev --json --catalogue …`
// prints.

import './webcrypto.mjs'

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'

import * as oidc from 'openid-client'

import { Browser } from './browser.mjs'

const dev = JSON.parse(readFileSync(0, 'utf8'))
const { pid } = dev.persons[0]
assert.deepEqual(dev.issuers.map((issuer) => issuer.profile).sort(), ['idporten', 'pilot'])

/** By profile: the level that is asked for, the higher one that the person picks, and what the claims then look like. */
const PROFILES = {
  pilot: { asked: 'Level3', picked: 'Level4', amr: 'TestID', issInResponse: false },
  idporten: {
    asked: 'idporten-loa-substantial',
    picked: 'idporten-loa-high',
    amr: ['TestID'],
    issInResponse: true,
  },
}

/** A registered client at an issuer, as openid-client sees it after discovery. */
class Service {
  static async at(issuer, client, authentication = secretOf(client)) {
    const options = {
      // The ID token's signature is checked against the JWKS, although it came straight from the token endpoint.
      execute: [oidc.allowInsecureRequests, oidc.enableNonRepudiationChecks],
    }
    const service = new Service()
    service.config = await oidc.discovery(
      new URL(issuer.issuer),
      client.client_id,
      undefined,
      authentication,
      options,
    )
    service.redirectUri = atSomePort(client.redirect_uris[0])
    service.profile = PROFILES[issuer.profile]
    return service
  }

  /** An authorization request: its URL, and what the service remembers until the answer. */
  async begin(redirectUri = this.redirectUri) {
    const pkceCodeVerifier = oidc.randomPKCECodeVerifier()
    const [expectedState, expectedNonce] = [oidc.randomState(), oidc.randomNonce()]
    const url = oidc.buildAuthorizationUrl(this.config, {
      redirect_uri: redirectUri,
      scope: 'openid profile',
      acr_values: this.profile.asked,
      code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
      state: expectedState,
      nonce: expectedNonce,
    })
    return { url, checks: { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true } }
  }

  /** A login: the URL of the answer, and what the service checks it against. */
  async logIn() {
    const { url, checks } = await this.begin()
    const callback = await new Browser().logIn(url, this.redirectUri, pid, this.profile.picked)
    return { callback, checks }
  }

  redeem({ callback, checks }) {
    return oidc.authorizationCodeGrant(this.config, callback, checks)
  }
}

function secretOf(client) {
  if (client.token_endpoint_auth_method === 'none') return oidc.None()
  const method = { client_secret_basic: oidc.ClientSecretBasic, client_secret_post: oidc.ClientSecretPost }
  return method[client.token_endpoint_auth_method](client.client_secret)
}

/** A native client takes any port of a loopback address at run time (RFC 8252 §7.3). */
function atSomePort(redirectUri) {
  const url = new URL(redirectUri)
  if (url.hostname === '127.0.0.1' && (url.port === '' || url.port === '0')) url.port = '49152'
  return url.href
}

/**
 * That a redemption is refused with a code of OAuth. To a 401 with a challenge, as RFC 6749 §5.2 demands it of a failed HTTP
 * Basic, openid-client shows the challenge and leaves the body to its caller.
 */
async function refuses(redemption, code) {
  const refused = await redemption.then(() => assert.fail(`not refused as ${code}`), (error) => error)
  const answer = refused instanceof oidc.WWWAuthenticateChallengeError ? await refused.response.json() : refused
  assert.equal(answer.error, code, refused)
}

for (const issuer of dev.issuers) {
  const clients = dev.clients.filter((client) => client.issuer === issuer.issuer)
  const web = clients.find((client) => client.client_id === 'web')
  const at = `at ${issuer.profile}`

  test(`${at}, an unregistered redirect URI causes no redirect`, async () => {
    const service = await Service.at(issuer, web)
    const { url } = await service.begin('http://localhost:3000/elsewhere')
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
      assert.equal(claims.pid, pid)
      // openid-client refuses another `sub` than the one it is given (OpenID Connect Core §5.3.2).
      const userinfo = await oidc.fetchUserInfo(service.config, tokens.access_token, claims.sub)
      assert.equal(userinfo.sub, claims.sub)
      assert.equal(userinfo.pid, pid)
    })
  }
}
