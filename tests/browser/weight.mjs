// What a page weighs on the wire, headers included: the first visit of a browser, and a later one.

import assert from 'node:assert/strict'
import test from 'node:test'

import { WAYS, reach } from './states.mjs'

const FIRST = 40 * 1000
const LATER = 8 * 1000

/** The list of all rules is read by developers, and nobody meets it on the way to a login. */
const LIST = 20 * 1000

/** Registers a test for each page, and one that prints the table. */
export function weight(world) {
  const rows = []
  for (const name of Object.keys(WAYS)) {
    const most = name === 'rule/list' ? LIST : LATER
    test(`${name}: at most ${FIRST} bytes on first visit and ${most} later`, async () => {
      const [first, later] = await weigh(world, name)
      rows.push({ page: name, first, later })
      assert.ok(first <= FIRST, `first visit: ${first}`)
      assert.ok(later <= most, `later: ${later}`)
    })
  }
  test('the table of weights', () => console.table(rows))
}

/** Reaches a page twice in one browser. What a page before it fetched counts as fetched for it. */
async function weigh(world, name) {
  return world.as({}, async (person) => {
    const wire = await Wire.tap(person)
    await reach(person, name)
    const first = wire.first()
    await person.context.clearCookies()
    wire.again()
    await reach(person, name)
    return [first, wire.later()]
  })
}

/** What comes over the wire, by document. */
class Wire {
  #documents = []
  #requests = new Map()
  #heaviest = new Map()

  static async tap({ context, page }) {
    const wire = new Wire()
    const session = await context.newCDPSession(page)
    session.on('Network.requestWillBeSent', (event) => wire.#asked(event))
    session.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => wire.#came(requestId, encodedDataLength))
    await session.send('Network.enable')
    return wire
  }

  again() {
    this.#documents = []
    this.#requests.clear()
  }

  /** The last document with all it shows, as if nothing had been at hand. */
  first() {
    return this.#sum(({ url, bytes }) => Math.max(bytes, this.#heaviest.get(url) ?? 0))
  }

  /** The last document with what had to be fetched for it. */
  later() {
    return this.#sum(({ bytes }) => bytes)
  }

  #sum(bytes) {
    const last = this.#documents.at(-1)
    const own = [...this.#requests.values()].filter(({ loader }) => loader === last)
    return own.reduce((sum, request) => sum + bytes(request), 0)
  }

  /** A redirect's own bytes belong to the page that it leads to. */
  #asked({ requestId, loaderId, type, request, redirectResponse }) {
    if (type === 'Document' && this.#documents.at(-1) !== loaderId) this.#documents.push(loaderId)
    const before = redirectResponse ? (this.#requests.get(requestId)?.bytes ?? 0) + redirectResponse.encodedDataLength : 0
    this.#requests.set(requestId, { url: request.url, loader: loaderId, bytes: before })
  }

  #came(requestId, length) {
    const request = this.#requests.get(requestId)
    if (!request) return
    request.bytes += length
    this.#heaviest.set(request.url, Math.max(request.bytes, this.#heaviest.get(request.url) ?? 0))
  }
}
