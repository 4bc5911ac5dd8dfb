// Whole logins, with scripts on and off, in each language, at both issuers.

import assert from 'node:assert/strict'
import test from 'node:test'

import { LEVELS } from './relying_party.mjs'
import { OTHER_PERSON, PERSON, begin, fillIn, shown, submit } from './states.mjs'
import { LANGUAGES } from './world.mjs'

/** Registers the logins. */
export function logins(world) {
  for (const service of world.services) {
    for (const script of [true, false]) {
      const where = `${service.issuer.profile}, scripts ${script ? 'on' : 'off'}`
      for (const language of LANGUAGES) {
        test(`${where}: by ui_locales=${language}, the number typed`, () => typed(world, service, script, language))
        test(`${where}: by the switch to ${language}, a person's button`, () => picked(world, service, script, language))
      }
      test(`${where}: a cancellation is access_denied`, () => cancelled(world, service, script))
    }
  }
  for (const service of world.onward) {
    for (const script of [true, false]) {
      const where = `${service.issuer.profile}, scripts ${script ? 'on' : 'off'}`
      test(`${where}: a callback that goes on to another origin, the number typed`, () => onward(world, service, script, byNumber))
      test(`${where}: a callback that goes on to another origin, a person's button`, () => onward(world, service, script, byButton))
      test(`${where}: a callback that goes on to another origin, a cancellation`, () => cancelled(world, service, script))
    }
  }
}

async function byNumber(person) {
  await fillIn(person, PERSON)
  await submit(person)
}

const byButton = ({ page }) => page.locator(`button.person[value="${PERSON}"]`).click()

/** CSP 3 §6.1.9: `form-action` is applied to every redirect that follows a POST, those of the service as well. */
async function onward(world, service, script, act) {
  await world.as({ script }, async (person) => {
    const asked = await begin(person, service)
    await act(person)
    assert.equal((await service.claims(person.page, asked)).pid, PERSON)
  })
}

const tag = ({ page }) => page.locator('html').getAttribute('lang')

async function typed(world, service, script, language) {
  await world.as({ script }, async (person) => {
    const asked = await begin(person, service, { ui_locales: `xx ${language}` })
    assert.equal(await tag(person), language)
    const [lower, higher] = LEVELS[service.issuer.profile]
    // The lower one is what is picked when nobody picks.
    await assertPicked(person, lower)
    await fillIn(person, PERSON, higher)
    await submit(person)
    const claims = await service.claims(person.page, asked)
    assert.deepEqual([claims.pid, claims.acr, claims.locale], [PERSON, higher, language])
  })
}

async function assertPicked({ page }, level) {
  assert.equal(await page.locator('input[name=acr]:checked').getAttribute('value'), level)
}

/** The page starts in another language than the one that is picked; what is picked then beats what the next request asks. */
async function picked(world, service, script, language) {
  const other = language === 'nb' ? 'en' : 'nb'
  await world.as({ script }, async (person) => {
    const { page } = person
    const asked = await begin(person, service, { ui_locales: other })
    assert.equal(await tag(person), other)
    await page.locator(`#language-${language}`).click()
    await page.waitForLoadState()
    assert.deepEqual([await shown(page), await tag(person)], ['login', language])
    await page.locator(`button.person[value="${OTHER_PERSON}"]`).click()
    const claims = await service.claims(page, asked)
    assert.deepEqual([claims.pid, claims.locale], [OTHER_PERSON, language])
    assert.equal(claims.acr, LEVELS[service.issuer.profile][0])
    await begin(person, service, { ui_locales: other, prompt: 'login' })
    assert.equal(await tag(person), language, 'the cookie beats ui_locales')
  })
}

async function cancelled(world, service, script) {
  await world.as({ script }, async (person) => {
    const asked = await begin(person, service)
    await person.page.locator('#cancel').click()
    const answer = await service.answer(person.page, asked)
    assert.equal(answer.get('error'), 'access_denied')
    assert.equal(answer.get('code'), null)
  })
}
