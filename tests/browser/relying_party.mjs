// A service of our own, as small as one can be: with PKCE (RFC 7636) always, with a secret where it has one, on a port of its own.

import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { createServer } from 'node:http'

const random = () => randomBytes(32).toString('base64url')

/** What a level is called at each profile, lower first. */
export const LEVELS = {
  pilot: ['Level3', 'Level4'],
  idporten: ['idporten-loa-substantial', 'idporten-loa-high'],
}

/** The service at one issuer of `portvakt dev`. */
export class Service {
  /** `issuer` is one of those that `portvakt dev --json` tells of. `arrivesAt` is where the browser is in the end, if not there. */
  static async at(issuer, redirectUri, { clientId = 'demo-native', secret, arrivesAt = redirectUri } = {}) {
    const metadata = await (await fetch(issuer.discovery)).json()
    return Object.assign(new Service(), { issuer, redirectUri, metadata, clientId, secret, arrivesAt })
  }

  /** An authorization request, and what the service remembers until the answer. `undefined` takes a parameter away. */
  begin(changes = {}) {
    const asked = { state: random(), nonce: random(), verifier: random() }
    const parameters = {
      client_id: this.clientId,
      redirect_uri: this.redirectUri,
      response_type: 'code',
      scope: 'openid profile',
      acr_values: LEVELS[this.issuer.profile][0],
      code_challenge: createHash('sha256').update(asked.verifier).digest('base64url'),
      code_challenge_method: 'S256',
      state: asked.state,
      nonce: asked.nonce,
      ...changes,
    }
    const url = new URL(this.metadata.authorization_endpoint)
    for (const [name, value] of Object.entries(parameters)) {
      if (value !== undefined) url.searchParams.set(name, value)
    }
    return { ...asked, url: url.href }
  }

  /** Waits in `page` for the answer to what was asked: its parameters. */
  async answer(page, asked) {
    await page.waitForURL((url) => url.href.startsWith(this.arrivesAt))
    const { searchParams } = new URL(page.url())
    assert.equal(searchParams.get('state'), asked.state)
    return searchParams
  }

  /** Waits for a code and redeems it: the claims of the ID token. Whether it is signed well is the business of other tests. */
  async claims(page, asked) {
    const answer = await this.answer(page, asked)
    assert.ok(answer.get('code'), `an answer without a code: ${answer}`)
    const body = new URLSearchParams({
      grant_type: 'authorization_code',
      ...(this.secret ? {} : { client_id: this.clientId }),
      code: answer.get('code'),
      redirect_uri: this.redirectUri,
      code_verifier: asked.verifier,
    })
    const response = await fetch(this.metadata.token_endpoint, { method: 'POST', body, headers: this.#authorization() })
    const tokens = await response.json()
    assert.equal(response.status, 200, JSON.stringify(tokens))
    const claims = JSON.parse(Buffer.from(tokens.id_token.split('.')[1], 'base64url'))
    assert.equal(claims.nonce, asked.nonce)
    assert.equal(claims.iss, this.issuer.issuer)
    return claims
  }

  /** RFC 6749 §2.3.1. */
  #authorization() {
    if (!this.secret) return {}
    const pair = [this.clientId, this.secret].map(encodeURIComponent).join(':')
    return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` }
  }
}

/**
 * Where the answers arrive: an empty page for whatever is asked, but for what comes to `/onward`. That goes on to `next`, as at a
 * service whose pages and whose callback are two origins. Answers the addresses and how to close it.
 */
export async function openCallback(next) {
  const server = createServer((request, response) => {
    const [path, query] = request.url.split('?')
    if (next && path === '/onward') {
      response.writeHead(302, { location: `${next}?${query}` }).end()
      return
    }
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' })
    response.end('<!doctype html><html lang="en"><title>Service</title><main><h1>Back at the service</h1></main></html>')
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = () => {
    server.close()
    server.closeAllConnections()
  }
  const origin = `http://127.0.0.1:${server.address().port}`
  return { origin, redirectUri: `${origin}/callback`, onward: `${origin}/onward`, close }
}
