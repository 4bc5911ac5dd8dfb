// A service as openid-client sees it, and the servers that it is tried at. Standard input: the line that `portvakt dev --json
// --catalogue …` prints.

import './webcrypto.mjs'

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'

import * as oidc from 'openid-client'

import { Browser } from './browser.mjs'

export const dev = JSON.parse(readFileSync(0, 'utf8'))

/** The number of the person who logs in. */
export const person = dev.persons[0].pid

assert.deepEqual(dev.issuers.map((issuer) => issuer.profile).sort(), ['idporten', 'pilot'])

/** The issuer of a profile. */
export function issuerOf(profile) {
  return dev.issuers.find((issuer) => issuer.profile === profile)
}

/** A client of the catalogue at an issuer. */
export function clientAt(issuer, clientId) {
  return dev.clients.find((client) => client.issuer === issuer.issuer && client.client_id === clientId)
}

/** By profile: the level that is asked for, the higher one that the person picks, and what the claims then look like. */
export const PROFILES = {
  pilot: { asked: 'Level3', picked: 'Level4', amr: 'TestID', issInResponse: false },
  idporten: {
    asked: 'idporten-loa-substantial',
    picked: 'idporten-loa-high',
    amr: ['TestID'],
    issInResponse: true,
  },
}

/** A registered client at an issuer, as openid-client sees it after discovery. */
export class Service {
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
    if (issuer.profile === 'pilot') service.#knowEndpoints(issuer.issuer, client.client_id, authentication)
    service.redirectUri = atSomePort(client.redirect_uris[0])
    service.profile = PROFILES[issuer.profile]
    return service
  }

  /** The pilot told its clients in its documentation where to ask and to revoke, and not in its metadata. */
  #knowEndpoints(issuer, clientId, authentication) {
    const documented = {
      introspection_endpoint: new URL('tokeninfo', issuer).href,
      revocation_endpoint: new URL('revoke', issuer).href,
    }
    const metadata = { ...this.config.serverMetadata(), ...documented }
    this.config = new oidc.Configuration(metadata, clientId, undefined, authentication)
    oidc.allowInsecureRequests(this.config)
    oidc.enableNonRepudiationChecks(this.config)
  }

  /** An authorization request: its URL, and what the service remembers until the answer. */
  async begin({ redirectUri = this.redirectUri, scope = 'openid profile' } = {}) {
    const pkceCodeVerifier = oidc.randomPKCECodeVerifier()
    const [expectedState, expectedNonce] = [oidc.randomState(), oidc.randomNonce()]
    const url = oidc.buildAuthorizationUrl(this.config, {
      redirect_uri: redirectUri,
      scope,
      acr_values: this.profile.asked,
      code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
      state: expectedState,
      nonce: expectedNonce,
    })
    return { url, checks: { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true } }
  }

  /** A login: the URL of the answer, and what the service checks it against. */
  async logIn(scope) {
    const { url, checks } = await this.begin({ scope })
    const callback = await new Browser().logIn(url, this.redirectUri, person, this.profile.picked)
    return { callback, checks }
  }

  redeem({ callback, checks }) {
    return oidc.authorizationCodeGrant(this.config, callback, checks)
  }

  /** The tokens of a login. */
  async tokens(scope) {
    return this.redeem(await this.logIn(scope))
  }

  /** The tokens that a refresh token gives. */
  renew({ refresh_token: token }, parameters) {
    assert.ok(token, 'no refresh token was given')
    return oidc.refreshTokenGrant(this.config, token, parameters)
  }

  introspect(token) {
    return oidc.tokenIntrospection(this.config, token)
  }

  revoke(token) {
    return oidc.tokenRevocation(this.config, token)
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
export async function refuses(redemption, code) {
  const refused = await redemption.then(() => assert.fail(`not refused as ${code}`), (error) => error)
  const answer = refused instanceof oidc.WWWAuthenticateChallengeError ? await refused.response.json() : refused
  assert.equal(answer.error, code, refused)
}
