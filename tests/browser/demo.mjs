// The demo service as a developer meets it: one click here, one at Portvakt, and every token is explained.

import assert from 'node:assert/strict'
import test from 'node:test'

import { axe } from './axe.mjs'
import * as inside from './inside.mjs'
import { COLOURS } from './screenshots.mjs'
import { PERSON, shown } from './states.mjs'

/** By page: how one gets there from the first page. */
const PAGES = {
  'demo/home': async () => {},
  'demo/waiting': ({ page, world }) => page.goto(world.waiting),
  'demo/result': (person) => logIn(person, 'idporten'),
  'demo/failed': async ({ page }) => {
    await page.locator('#login-pilot').click()
    await page.locator('#cancel').click()
    await page.waitForLoadState()
  },
  'demo/used': async (person) => {
    await logIn(person, 'pilot')
    await person.page.reload()
  },
  'demo/strange': ({ page, world }) => page.goto(`${world.demo}/callback?code=a&state=of-nobody`),
  'demo/not-found': ({ page, world }) => page.goto(`${world.demo}/nothing`),
}

/** Registers the walks through the demo. */
export function demo(world, album) {
  test('the pages that this run knows are those that the demo has', () => {
    assert.deepEqual(Object.keys(PAGES).sort(), [...world.demoPages].sort())
  })
  for (const [name, walk] of Object.entries(PAGES)) {
    test(`${name}: axe, small windows, targets`, () => check(world, album, name, walk))
  }
  for (const { issuer } of world.services) {
    for (const script of [true, false]) {
      test(`${issuer.profile}, scripts ${script ? 'on' : 'off'}: two acts to the first token`, () =>
        world.as({ script }, async (person) => {
          await person.page.goto(world.demo)
          await logIn(person, issuer.profile)
          assert.equal(await shown(person.page), 'demo/result')
          assert.ok((await person.page.locator('main').textContent()).includes(PERSON), 'the pid is on the page')
          await person.page.reload()
          assert.equal(await shown(person.page), 'demo/used')
        }))
    }
  }
  test('every deliberate mistake is told by the rule that is announced', (t) => mistakes(world, t))
}

/** Two acts: the button here, and a person there. */
async function logIn({ page }, profile) {
  await page.locator(`#login-${profile}`).click()
  await page.locator(`button.person[value="${PERSON}"]`).click()
  await page.waitForLoadState()
}

/** What is wrong with a page of the demo as it stands. */
async function bars(page) {
  const wrong = []
  for (const colorScheme of COLOURS) {
    await page.emulateMedia({ colorScheme })
    wrong.push(...(await axe(page)).map((sentence) => `${colorScheme}: ${sentence}`))
  }
  await page.emulateMedia({ colorScheme: 'light' })
  wrong.push(...await page.evaluate(inside.small))
  for (const width of [320, 1280]) {
    await page.setViewportSize({ width, height: 800 })
    wrong.push(...(await page.evaluate(inside.fit)).map((sentence) => `${width} px: ${sentence}`))
  }
  return wrong
}

async function check(world, album, name, walk) {
  await world.as({}, async (person) => {
    const { page } = person
    await page.goto(world.demo)
    await walk(person)
    assert.equal(await shown(page), name)
    const wrong = await bars(page)
    // What is there for whoever opens it is held to the same bars.
    if (await page.locator('details').count() > 0) {
      await page.evaluate(() => document.querySelectorAll('details').forEach((details) => details.toggleAttribute('open', true)))
      wrong.push(...(await bars(page)).map((sentence) => `opened: ${sentence}`))
      await page.evaluate(() => document.querySelectorAll('details').forEach((details) => details.toggleAttribute('open', false)))
    }
    await album.take(page, name)
    assert.ok(wrong.length === 0, `\n${wrong.join('\n')}`)
  })
}

/** Mistakes that are none at that profile, as the demo says itself. */
const HARMLESS = { pilot: ['no-pkce'], idporten: ['slash-too-few'] }

/** The rule of one that has it at one profile only: at the pilot, nothing is served at that address. */
const AT_ONE_PROFILE = { pilot: { 'slash-too-many': 'path-unknown' } }

/** Each mistake at each issuer: on the page that follows it, and on the issuer's page, stands the rule that was announced. */
async function mistakes(world, t) {
  await world.as({}, async ({ page }) => {
    await page.goto(world.demo)
    const announced = await page.evaluate(() => [...document.querySelectorAll('th[id^=about-]')].map((head) => {
      const word = head.id.slice('about-'.length)
      return { word, rule: head.parentElement.querySelector('.check code')?.textContent }
    }))
    for (const { profile, issuer } of world.dev.issuers) {
      const words = await page.locator(`#mistake-${profile} option`).evaluateAll((options) => options.map(({ value }) => value))
      assert.deepEqual(announced.map(({ word }) => word), words.slice(1))
      for (const { word, rule } of announced) {
        await t.test(`${profile}: ${word}`, () => mistake(page, world, { profile, issuer, word, rule }))
      }
      await page.goto(world.demo)
    }
  })
}

async function mistake(page, world, { profile, issuer, word, rule }) {
  await page.goto(world.demo)
  await page.locator(`#mistake-${profile}`).selectOption(word)
  await page.locator(`#login-${profile}`).click()
  if ((await shown(page)) === 'login') await page.locator(`button.person[value="${PERSON}"]`).click()
  await page.waitForLoadState()
  const name = await shown(page)
  if (HARMLESS[profile].includes(word)) {
    assert.equal(name, 'demo/result')
    return
  }
  assert.ok(['refused/detail', 'demo/failed'].includes(name), `ended at ${name}`)
  const place = name === 'demo/failed' ? '#mistake code' : '#detail dd code'
  if (rule) assert.equal(await page.locator(place).first().textContent(), rule)
  const there = rule ?? AT_ONE_PROFILE[profile]?.[word]
  if (!there) return
  // The demo leads there whenever it was Portvakt that refused.
  if (name === 'demo/failed') await page.locator('#refusals').click()
  else await page.goto(issuer)
  assert.match(await shown(page), /^issuer\//)
  const told = await page.locator('#refusals .detail dd:nth-of-type(1) code').allTextContents()
  assert.ok(told.includes(there), `the issuer's page tells of ${told.join(', ') || 'nothing'}, not of ${there}`)
}
