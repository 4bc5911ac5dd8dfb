// A browser without a screen: it keeps cookies, follows redirects one by one, and fills in the login form as a person would.

import assert from 'node:assert/strict'
import { setDefaultResultOrder } from 'node:dns'

// `localhost` may be two addresses, and the server is sure to listen on the first only; Node 18 does not try the other.
setDefaultResultOrder('ipv4first')

const MOST_REDIRECTS = 10

/** Each `Set-Cookie`. Debian 12's Node joins them with commas and cannot take them apart; ours have no comma in them. */
function setCookies(headers) {
  if (headers.getSetCookie) return headers.getSetCookie()
  return headers.get('set-cookie')?.split(/,\s*(?=[^;,\s]+=)/) ?? []
}

/** One browser with its own cookies. Each login takes a new one. */
export class Browser {
  /** By host, then by name. Cookies are shared by all ports of a host (RFC 6265 §8.5). */
  #cookies = new Map()

  /** One request, its redirect not followed. */
  async send(url, init = {}) {
    const jar = this.#jar(url)
    const headers = { ...init.headers }
    if (jar.size > 0) headers.cookie = [...jar].map((pair) => pair.join('=')).join('; ')
    const response = await fetch(url, { ...init, headers, redirect: 'manual' })
    setCookies(response.headers).forEach((cookie) => this.#keep(jar, cookie))
    return response
  }

  /** Logs a person in at `level`; answers the URL at which the service gets its answer. */
  async logIn(authorizationUrl, redirectUri, pid, level) {
    const begun = await this.#follow(await this.send(authorizationUrl), authorizationUrl, redirectUri)
    assert.ok(begun.page, `answered without a login page: ${begun.url}`)
    const { action, fields } = form(begun.page)
    const target = new URL(action, begun.url)
    const posted = await this.send(target, {
      method: 'POST',
      headers: { origin: target.origin, 'sec-fetch-site': 'same-origin' },
      body: new URLSearchParams({ ...fields, pid, acr: level, action: 'login' }),
    })
    const ended = await this.#follow(posted, target, redirectUri)
    assert.ok(!ended.page, `${ended.url} showed a page where the login should have ended: ${ended.page}`)
    return ended.url
  }

  /** Follows redirects to a page, or until one leads to the service: then there is no page, for nobody listens there. */
  async #follow(response, url, redirectUri) {
    for (let at = new URL(url), count = 0; count < MOST_REDIRECTS; count += 1) {
      const location = response.headers.get('location')
      const body = await response.text()
      if (location === null) return { url: at, page: body }
      at = new URL(location, at)
      if (at.origin + at.pathname === redirectUri) return { url: at }
      response = await this.send(at)
    }
    assert.fail(`more than ${MOST_REDIRECTS} redirects`)
  }

  #jar(url) {
    const { hostname } = new URL(url)
    if (!this.#cookies.has(hostname)) this.#cookies.set(hostname, new Map())
    return this.#cookies.get(hostname)
  }

  #keep(jar, cookie) {
    const [pair, ...attributes] = cookie.split(';').map((part) => part.trim())
    const name = pair.slice(0, pair.indexOf('='))
    if (attributes.some((attribute) => attribute.toLowerCase() === 'max-age=0')) jar.delete(name)
    else jar.set(name, pair.slice(name.length + 1))
  }
}

/** The login form of a page: where it posts to, and what it sends unasked. The page has another, for its language. */
function form(page) {
  const [, tag, inside] =
    page.match(/<form([^>]* id="testid"[^>]*)>(.*?)<\/form>/s) ?? assert.fail(`a page without the login form: ${page}`)
  const inputs = [...inside.matchAll(/<input([^>]*)>/g)].map(([, input]) => input)
  const hidden = inputs.filter((input) => attribute(input, 'type') === 'hidden')
  const fields = Object.fromEntries(hidden.map((input) => [attribute(input, 'name'), attribute(input, 'value')]))
  return { action: attribute(tag, 'action'), fields }
}

function attribute(tag, name) {
  const [, value] = tag.match(new RegExp(`\\s${name}="([^"]*)"`)) ?? []
  return value?.replace(/&#(\d+);/g, (_, number) => String.fromCodePoint(Number(number))).replaceAll('&amp;', '&')
}
