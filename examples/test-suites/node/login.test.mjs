// Logins at each issuer, and what is refused.
//
// Your own tests need only portvakt.mjs: they fetch your service's login address, give the address that it redirects to (with
// its cookies kept) to logIn, and fetch what that answers from your service. Here there is no service, so openid-client does
// its part.

import './webcrypto.mjs'

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import * as oidc from 'openid-client'

import { logIn, startPortvakt } from './portvakt.mjs'

const CLIENT_ID = 'my-service'
const SECRET = 'secret-of-my-service-in-tests-only'
const REDIRECT_URI = 'http://localhost:3000/callback'

/** The words for levels, by profile. */
const LEVELS = {
  pilot: ['Level3', 'Level4'],
  idporten: ['idporten-loa-substantial', 'idporten-loa-high'],
}

let portvakt
before(async () => {
  portvakt = await startPortvakt('--client', CLIENT_ID, '--secret', SECRET, '--redirect-uri', REDIRECT_URI)
})
after(() => portvakt?.stop())

/** The service, once it has read the issuer's discovery document. */
function discover(profile) {
  const { issuer } = portvakt.issuers.find((served) => served.profile === profile)
  const authentication = oidc.ClientSecretBasic(SECRET)
  return oidc.discovery(new URL(issuer), CLIENT_ID, undefined, authentication, {
    // The ID token's signature is checked although it came straight from the token endpoint. The first is for tests alone.
    execute: [oidc.allowInsecureRequests, oidc.enableNonRepudiationChecks],
  })
}

/** An authorization request: its URL, and what the service keeps until the answer. */
async function begin(service, level, redirectUri = REDIRECT_URI) {
  const pkceCodeVerifier = oidc.randomPKCECodeVerifier()
  const [expectedState, expectedNonce] = [oidc.randomState(), oidc.randomNonce()]
  const request = oidc.buildAuthorizationUrl(service, {
    redirect_uri: redirectUri,
    scope: 'openid profile',
    acr_values: level,
    code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
    state: expectedState,
    nonce: expectedNonce,
  })
  return { request, checks: { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true } }
}

for (const [profile, levels] of Object.entries(LEVELS)) {
  for (const level of levels) {
    test(`a person logs in at ${profile}, ${level}`, async () => {
      const service = await discover(profile)
      const { pid } = portvakt.persons[0]
      const { request, checks } = await begin(service, level)

      const callback = await logIn(request, pid, level)
      // State, signature, iss, aud, exp and nonce; it throws where one of them is wrong.
      const tokens = await oidc.authorizationCodeGrant(service, callback, checks)

      const claims = tokens.claims()
      assert.equal(claims.pid, pid)
      assert.equal(claims.acr, level)
      assert.equal(claims.nonce, checks.expectedNonce)
    })
  }

  test(`a code is good for one exchange at ${profile}`, async () => {
    const service = await discover(profile)
    const { request, checks } = await begin(service, levels[0])
    const callback = await logIn(request, portvakt.persons[0].pid, levels[0])
    await oidc.authorizationCodeGrant(service, callback, checks)

    await assert.rejects(oidc.authorizationCodeGrant(service, callback, checks), { error: 'invalid_grant' })
  })

  // Nobody is redirected to an address that nobody registered, not even with an error (RFC 6749 §4.1.2.1).
  test(`an unregistered redirect URI is a page at ${profile}`, async () => {
    const service = await discover(profile)
    const { request } = await begin(service, levels[0], 'http://localhost:3000/elsewhere')

    const answer = await fetch(request, { redirect: 'manual' })

    assert.equal(answer.status, 400)
    assert.equal(answer.headers.get('location'), null)
  })
}
