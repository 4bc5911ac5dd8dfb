// How each page is met. The names are those that `portvakt dev --pages` lists; a person walks there as people do, or as
// somebody does who tampers with what the page sends.

import assert from 'node:assert/strict'

import { LEVELS } from './relying_party.mjs'

export const PERSON = '21879498012'
export const OTHER_PERSON = '28876895937'

/** Answers the name of the page that is shown. */
export const shown = (page) => page.locator('html').getAttribute('data-page')

/** Begins a login and answers what the service remembers. */
export async function begin(person, service = person.world.services[0], changes = {}) {
  const asked = service.begin(changes)
  await person.page.goto(asked.url)
  return asked
}

/** Fills in the number, and optionally picks a level. */
export async function fillIn({ page }, pid, level) {
  await page.locator('#pid').fill(pid)
  if (level) await page.locator(`[id="acr-${level}"]`).check()
}

/** Sends the login form. */
export const submit = ({ page }) => page.locator('#submit').click()

/** The service's answer page, reached by logging in. */
export async function logIn(person, service = person.world.services[0]) {
  const asked = await begin(person, service)
  await fillIn(person, PERSON)
  await submit(person)
  await service.answer(person.page, asked)
}

/** Changes the page before it is sent, as the browser's own tools can. */
const tamper = ({ page }, selector, change) => page.locator(selector).first().evaluate(change)

/** The page's address with another handle of the same beginning: its cookie is there, its login is not. */
const elsewhere = (url) => url.replace(/(\/[\w-]{19})([\w-])([\w-]+)$/, (_, start, one, rest) =>
  start + (one === 'A' ? 'B' : 'A') + rest)

async function wrongLevel(person) {
  await begin(person)
  await fillIn(person, PERSON, LEVELS.pilot[0])
  await tamper(person, 'input[name=acr]:checked', (radio) => {
    radio.value = 'Level9'
  })
  await submit(person)
}

/** Without its cookie nobody knows whose login it was: this page cannot lead back to the service, and says so. */
async function cookieGone(person) {
  await begin(person, person.world.named['home-web'])
  await fillIn(person, PERSON)
  await person.context.clearCookies()
  await person.world.pickLanguage(person)
  await submit(person)
}

async function finished(person, service = person.world.services[0]) {
  const asked = await begin(person, service)
  const [url, cookies] = [person.page.url(), await person.context.cookies()]
  await fillIn(person, PERSON)
  await submit(person)
  await service.answer(person.page, asked)
  // As when the form is sent twice, and the second is read after the first was answered.
  await person.context.addCookies(cookies)
  await person.page.goto(url)
}

/** Nobody waits half an hour: the login is made that old where it is kept. */
async function expired(person) {
  await begin(person, person.world.named['late-web'])
  await person.world.expire('late-web')
  await person.page.reload()
}

async function stale(person) {
  await begin(person)
  await fillIn(person, PERSON)
  await tamper(person, '#testid input[name=form_token]', (token) => {
    token.value = (token.value.startsWith('A') ? 'B' : 'A') + token.value.slice(1)
  })
  await submit(person)
}

async function unreadable(person) {
  await begin(person)
  await fillIn(person, PERSON)
  await tamper(person, '#testid', (form) => {
    form.enctype = 'text/plain'
  })
  await submit(person)
}

/** Ending a login is a write, and this server's store fails. */
async function unavailable({ context, page, world: { broken } }) {
  await context.addCookies([{ ...broken.cookie, url: broken.endSession }])
  await page.goto(broken.endSession)
}

/** The page of a rule that refusals name, or the list of all. */
const rules = (issuer, name) => [issuer.replace(/\/$/, ''), 'errors', name].filter(Boolean).join('/')

/** By page: one or more ways there. The first is the one that is shot. */
export const WAYS = {
  login: [
    (person) => begin(person),
    (person) => begin(person, person.world.services[1]),
    // A level that leaves the person no choice.
    (person) => begin(person, undefined, { acr_values: LEVELS.pilot[1] }),
    // A service that has pages to lead back to, and names that are hard to show.
    (person) => begin(person, person.world.named['home-web']),
    (person) => begin(person, person.world.named['long-web']),
    (person) => begin(person, person.world.named['markup-web']),
    (person) => begin(person, person.world.named['rtl-web']),
  ],
  'login/fault-pid': [
    async (person) => {
      await begin(person)
      await fillIn(person, '12345')
      await submit(person)
    },
  ],
  'login/fault-level': [wrongLevel],
  'refused/detail': [
    (person) => begin(person, undefined, { redirect_uri: 'https://elsewhere.example/callback?a=1' }),
    // The longest that is shown: what was received is cut and stays inert.
    (person) => begin(person, undefined, { client_id: `<b>${'x'.repeat(900)}` }),
    // The client is known, and with it where the person came from.
    (person) => begin(person, person.world.onward[0], { redirect_uri: 'https://elsewhere.example/callback' }),
  ],
  'refused/plain': [({ page, world }) => page.goto(`${world.production[1]}/authorize?client_id=nobody`)],
  'cookie-gone': [cookieGone],
  'login-expired': [
    expired,
    // A login that nobody began.
    async (person) => {
      await begin(person)
      await person.page.goto(elsewhere(person.page.url()))
    },
  ],
  'login-finished': [
    (person) => finished(person, person.world.named['home-web']),
    (person) => finished(person),
    (person) => finished(person, person.world.named['long-web']),
  ],
  'form-stale': [stale],
  unreadable: [unreadable],
  unavailable: [unavailable],
  'logged-out': [({ page, world }) => page.goto(world.services[0].metadata.end_session_endpoint)],
  'issuer/open': [
    // With refusals, and without.
    ({ page, world }) => page.goto(world.quiet.issuers[0].issuer),
    ({ page, world }) => page.goto(world.quiet.issuers[1].issuer),
    // An issuer for tests, and one without test persons.
    ({ page, world }) => page.goto(world.test),
    ({ page, world }) => page.goto(world.broken.issuers[1].issuer),
  ],
  'issuer/production': [
    ({ page, world }) => page.goto(world.production[0]),
    ({ page, world }) => page.goto(world.production[1]),
  ],
  'rule/one': [
    ({ page, world }) => page.goto(rules(world.quiet.issuers[0].issuer, 'code-challenge-missing')),
    // One that callers are told as another, that other, and the longest.
    ({ page, world }) => page.goto(rules(world.production[0], 'client-secret-expired')),
    ({ page, world }) => page.goto(rules(world.production[1], 'client-authentication')),
    ({ page, world }) => page.goto(rules(world.test, 'refresh-token-replayed')),
  ],
  'rule/list': [({ page, world }) => page.goto(rules(world.quiet.issuers[1].issuer))],
  'rule-unknown': [({ page, world }) => page.goto(rules(world.production[0], 'state-missin'))],
}

/**
 * Where the language switch leads from a page that answered a POST: to what a GET of that address shows. What was posted is never
 * sent again, and so the page starts afresh. From every other page it leads to the same one.
 */
export const AFTER_THE_SWITCH = {
  'login/fault-pid': 'login',
  'login/fault-level': 'login',
  'form-stale': 'login',
  unreadable: 'login',
}

/** Pages that lead back to a service with pages of its own, and a way there in which they know which service it is. */
export const WITH_A_WAY_BACK = {
  login: WAYS.login[3],
  'login-expired': WAYS['login-expired'][0],
  'login-finished': WAYS['login-finished'][0],
  'refused/detail': WAYS['refused/detail'][2],
}

/** Goes to a page in one of its ways, and is sure to be there. */
export async function reach(person, name, way = WAYS[name][0]) {
  await way(person)
  assert.equal(await shown(person.page), name, `at ${person.page.url()}`)
  assert.equal(await person.page.locator('html').getAttribute('lang'), person.language)
}
