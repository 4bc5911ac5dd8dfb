// Where a login cannot go on: each page says what happened and what to do next.

import assert from 'node:assert/strict'
import test from 'node:test'

import { PERSON, WITH_A_WAY_BACK, begin, fillIn, logIn, reach, shown, submit } from './states.mjs'

/** Where one cannot go on, and who is told what to do. */
const DEAD_ENDS = ['cookie-gone', 'login-expired', 'login-finished', 'form-stale', 'unreadable', 'unavailable', 'refused/detail', 'refused/plain']

/** Registers the dead ends. */
export function deadEnds(world) {
  for (const name of DEAD_ENDS) {
    test(`${name}: says what happened and what to do next`, async () => {
      await world.as({}, async (person) => {
        await reach(person, name)
        const told = await tells(person.page)
        assert.ok(told.sentences.length >= 2, `what happened, and what to do: ${told.sentences.join(' | ')}`)
        assert.match(await person.page.locator('#reference').textContent(), /[0-9a-f]{32}/)
      })
    })
  }
  for (const [name, way] of Object.entries(WITH_A_WAY_BACK)) {
    test(`${name}: leads back to the service's own pages`, () => leadsBack(world, name, way))
  }
  test('the button pressed twice: one login, and the service gets its code', () => pressedTwice(world))
  test('back after the login: a page that says that it is finished', () => back(world))
  test('the form sent again after the login: a page that says that it is finished', () => sentAgain(world))
  test('a number in error: the field says so, is tied to it, and it is announced', () => fault(world, 'login/fault-pid', '#pid'))
  test('a level in error: the choice says so, is tied to it, and it is announced', () => fault(world, 'login/fault-level', '#levels'))
}

/** The page's words: its title, its heading, and each sentence of its paragraphs. */
async function tells(page) {
  const main = page.locator('main')
  const paragraphs = await main.locator('p:not(#reference)').allTextContents()
  const sentences = paragraphs.flatMap((text) => text.split(/(?<=[.!?])\s+/)).filter((text) => text.trim())
  return { title: await page.title(), heading: await main.locator('h1').textContent(), sentences }
}

async function leadsBack(world, name, way) {
  await world.as({}, async (person) => {
    await reach(person, name, way)
    await person.page.locator('#back').click()
    await person.page.waitForURL(`${world.callback.origin}/`)
  })
}

async function pressedTwice(world) {
  await world.as({}, async (person) => {
    const [service] = world.services
    const asked = await begin(person, service)
    await fillIn(person, PERSON)
    await person.page.locator('#submit').dblclick({ noWaitAfter: true })
    assert.equal((await service.claims(person.page, asked)).pid, PERSON)
  })
}

async function back(world) {
  await world.as({}, async (person) => {
    await logIn(person)
    await person.page.goBack()
    assert.equal(await shown(person.page), 'login-finished')
  })
}

/** From a copy of the page in another tab. */
async function sentAgain(world) {
  await world.as({}, async (person) => {
    const [service] = world.services
    const asked = await begin(person, service)
    const copy = { ...person, page: await person.context.newPage() }
    await copy.page.goto(person.page.url())
    await fillIn(person, PERSON)
    await submit(person)
    await service.answer(person.page, asked)
    await fillIn(copy, PERSON)
    await submit(copy)
    await copy.page.waitForLoadState()
    assert.equal(await shown(copy.page), 'login-finished')
  })
}

async function fault(world, name, field) {
  await world.as({}, async (person) => {
    const { page } = person
    await reach(person, name)
    const alert = page.locator('[role=alert]')
    assert.equal(await alert.count(), 1)
    const text = (await alert.textContent()).trim()
    assert.notEqual(text, '')
    const described = await page.locator(field).evaluate((element) => {
      const ids = (element.getAttribute('aria-describedby') ?? '').split(' ')
      return ids.map((id) => document.getElementById(id)?.textContent ?? '').join(' ')
    })
    assert.ok(described.includes(text), `${field} is described by “${described}”`)
    if (field === '#pid') {
      assert.equal(await page.locator(field).getAttribute('aria-invalid'), 'true')
      assert.equal(await page.locator(field).inputValue(), '', 'a wrong number is not sent back')
    }
  })
}
