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
  test('every deliberate mistake is told', () => mistakes(world))
}

/** Two acts: the button here, and a person there. */
async function logIn({ page }, profile) {
  await page.locator(`#login-${profile}`).click()
  await page.locator(`button.person[value="${PERSON}"]`).click()
  await page.waitForLoadState()
}

async function check(world, album, name, walk) {
  await world.as({}, async (person) => {
    const { page } = person
    await page.goto(world.demo)
    await walk(person)
    assert.equal(await shown(page), name)
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
    await album.take(page, name)
    assert.ok(wrong.length === 0, `\n${wrong.join('\n')}`)
  })
}

/** Each is told by a page of Portvakt's or of the demo's, never by an empty one. */
async function mistakes(world) {
  await world.as({}, async ({ page }) => {
    await page.goto(world.demo)
    const words = await page.locator('#mistake-idporten option').evaluateAll((options) => options.map(({ value }) => value))
    assert.ok(words.length > 10, `${words.length} mistakes`)
    const untold = []
    for (const word of words.slice(1)) {
      // The issuer of the current edition has no slash to lose.
      const profile = word === 'slash-too-few' ? 'pilot' : 'idporten'
      await page.goto(world.demo)
      await page.locator(`#mistake-${profile}`).selectOption(word)
      await page.locator(`#login-${profile}`).click()
      if ((await shown(page)) === 'login') await page.locator(`button.person[value="${PERSON}"]`).click()
      await page.waitForLoadState()
      const name = await shown(page)
      if (!['refused/detail', 'demo/failed'].includes(name)) untold.push(`${word}: ${name}`)
    }
    assert.deepEqual(untold, [])
  })
}
