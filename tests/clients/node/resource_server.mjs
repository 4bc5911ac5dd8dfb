// An API that verifies JWT access tokens by jose and the issuer's published keys, and by nothing else. Standard input: the
// line that `portvakt dev --json --catalogue …` prints.

import './webcrypto.mjs'

import assert from 'node:assert/strict'
import test from 'node:test'

import * as jose from 'jose'

import { Service, clientAt, issuerOf, person } from './relying_party.mjs'

const issuer = issuerOf('idporten')
const service = await Service.at(issuer, clientAt(issuer, 'reuse'))
const keys = jose.createRemoteJWKSet(new URL(service.config.serverMetadata().jwks_uri))

/** What an API does with a token. An ID token has the same issuer and keys, and no `client_id`. */
async function accept(token, scope) {
  const { payload } = await jose.jwtVerify(token, keys, {
    issuer: issuer.issuer,
    algorithms: ['RS256'],
    requiredClaims: ['client_id', 'exp'],
  })
  assert.ok(payload.scope.split(' ').includes(scope), 'insufficient_scope')
  return payload
}

test('a token that was tampered with is refused', async () => {
  const { access_token: token } = await service.tokens('openid profile skatt:inntekt')
  const [header, claims, signature] = token.split('.')
  const another = JSON.stringify({ ...jose.decodeJwt(token), pid: '21879498012' })
  const changed = [header, jose.base64url.encode(another), signature].join('.')
  await assert.rejects(accept(changed, 'skatt:inntekt'), { code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED' })
  const unsigned = [jose.base64url.encode('{"alg":"none"}'), claims, ''].join('.')
  await assert.rejects(accept(unsigned, 'skatt:inntekt'), { code: 'ERR_JOSE_ALG_NOT_ALLOWED' })
})

test('an ID token is refused', async () => {
  const { id_token: token } = await service.tokens('openid profile skatt:inntekt')
  await assert.rejects(accept(token, 'skatt:inntekt'), { claim: 'client_id' })
})

test('a token without the scope is refused', async () => {
  const { access_token: token } = await service.tokens('openid profile')
  await assert.rejects(accept(token, 'skatt:inntekt'), /insufficient_scope/)
})

test('an opaque token is refused', async () => {
  const { access_token: token } = await service.tokens('openid profile helse:resept')
  await assert.rejects(accept(token, 'helse:resept'), { code: 'ERR_JWS_INVALID' })
})

test('an access token is accepted, and a renewed one', async () => {
  const tokens = await service.tokens('openid profile skatt:inntekt')
  const renewed = await service.renew(tokens)
  for (const token of [tokens.access_token, renewed.access_token]) {
    const claims = await accept(token, 'skatt:inntekt')
    assert.equal(claims.client_id, 'reuse')
    assert.equal(claims.pid, person)
    assert.equal(claims.sub, tokens.claims().sub)
    assert.deepEqual(claims.consumer, { authority: 'iso6523-actorid-upis', ID: '0192:910753614' })
  }
})
