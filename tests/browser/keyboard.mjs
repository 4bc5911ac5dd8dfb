// By keyboard alone: every control is reached in the order in which it is seen, shows that it has the focus, and works.

import assert from 'node:assert/strict'
import test from 'node:test'

import { LEVELS } from './relying_party.mjs'
import { PERSON, WAYS, begin, reach, shown } from './states.mjs'

/** Registers the walks and the login without a pointer. */
export function keyboard(world) {
  for (const name of Object.keys(WAYS)) {
    test(`${name}: Tab reaches every control in order, and one sees where it is`, () => walkable(world, name))
  }
  for (const service of world.services) {
    const at = service.issuer.profile
    test(`${at}: a login by keyboard: Tab, arrow keys, Enter in the number's field`, () => logInByKeys(world, service))
    test(`${at}: a person's button by Space`, () => byPersonButton(world, service))
    test(`${at}: cancel by Enter`, () => cancelByKeys(world, service))
  }
  test('login: the first link leads past the rest to the main part', () => skips(world))
}

async function walkable(world, name) {
  for (const [width, height] of [[1280, 900], [320, 225]]) {
    await world.as({ width, height }, async (person) => {
      await reach(person, name)
      const wrong = await walk(person.page)
      assert.deepEqual(wrong, [], `at ${width} px`)
    })
  }
}

/** One round by Tab. */
async function walk(page) {
  const expected = await page.evaluate(collect)
  const stops = []
  // A field in error has the focus from the start: the round is whole when it comes to where it began.
  for (let count = 0; count < 3 * expected.length + 10; count += 1) {
    await page.keyboard.press('Tab')
    const stop = await page.evaluate(stopped)
    if (stop === null) continue
    if (stop.at === stops[0]?.at) break
    stops.push(stop)
  }
  const wrong = []
  const reached = new Set(stops.map(({ at }) => at))
  wrong.push(...expected.filter((_, at) => !reached.has(at)).map((name) => `never reached: ${name}`))
  wrong.push(...stops.filter(({ isSeen }) => !isSeen).map(({ name }) => `no sign of focus: ${name}`))
  wrong.push(...stops.filter(({ isFree }) => !isFree).map(({ name }) => `covered or out of the window: ${name}`))
  const first = stops.findIndex(({ at }) => at === 0)
  const round = [...stops.slice(first), ...stops.slice(0, first)]
  for (const [at, { box, name }] of round.entries()) {
    const next = round[at + 1]
    if (!next) continue
    const isBelow = next.box.top >= box.bottom - 4
    const isBeside = next.box.top > box.top - 12 && next.box.left >= box.left
    if (!isBelow && !isBeside) wrong.push(`${next.name} comes after ${name} and stands before it`)
  }
  return wrong
}

/** In the browser: remembers what Tab must reach and how it looks now; answers names. */
function collect() {
  // A radio button's field is outlined, not the button.
  const look = (element) => [element, element.parentElement, ...(element.labels ?? [])].map((part) => {
    const { outlineStyle, outlineWidth, outlineColor, boxShadow, borderTopColor, backgroundColor } = getComputedStyle(part)
    return [outlineStyle, outlineWidth, outlineColor, boxShadow, borderTopColor, backgroundColor].join('|')
  }).join()
  const name = (element) => element.id || element.textContent.trim().slice(0, 40) || element.name || element.tagName
  const all = document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"]')
  const hasGroup = (element) => element.type === 'radio'
  const isStop = (element) => {
    if (element.disabled || !element.getClientRects().length) return false
    if (!hasGroup(element)) return true
    const group = [...document.querySelectorAll(`input[type=radio][name="${element.name}"]`)]
    return element === (group.find(({ checked }) => checked) ?? group[0])
  }
  const looks = new Map([...all].map((element) => [element, element === document.activeElement ? null : look(element)]))
  window.stopsOfThisTest = { elements: [...all].filter(isStop), looks, look, name }
  return window.stopsOfThisTest.elements.map(name)
}

/** In the browser: where the focus is; nothing when it is at the page as such. */
function stopped() {
  const { elements, looks, look, name } = window.stopsOfThisTest
  const element = document.activeElement
  if (!element || element === document.body || element === document.documentElement) return null
  const box = element.getBoundingClientRect()
  const [x, y] = [(box.left + box.right) / 2, (box.top + box.bottom) / 2]
  const top = document.elementFromPoint(Math.min(x, innerWidth - 1), y)
  const isFree = top !== null && (element.contains(top) || top.contains(element) || [...(element.labels ?? [])].some((label) => label.contains(top)))
  const before = looks.get(element)
  const isDrawn = [element, element.parentElement].some((part) => {
    const { outlineStyle, boxShadow } = getComputedStyle(part)
    return outlineStyle !== 'none' || boxShadow !== 'none'
  })
  const isSeen = before ? look(element) !== before : isDrawn
  const place = { top: box.top + scrollY, bottom: box.bottom + scrollY, left: box.left }
  return { at: elements.indexOf(element), name: name(element), box: place, isFree, isSeen }
}

/** Presses Tab until a control has the focus. */
async function tabTo(page, selector) {
  for (let count = 0; count < 80; count += 1) {
    await page.keyboard.press('Tab')
    if (await page.locator(selector).first().evaluate((element) => element === document.activeElement)) return
  }
  assert.fail(`Tab does not reach ${selector}`)
}

async function logInByKeys(world, service) {
  await world.as({}, async (person) => {
    const { page } = person
    const [, higher] = LEVELS[service.issuer.profile]
    const asked = await begin(person, service)
    await tabTo(page, 'input[name=acr]:checked')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Space')
    assert.equal(await page.locator('input[name=acr]:checked').getAttribute('value'), higher)
    await tabTo(page, '#pid')
    await page.keyboard.type(PERSON)
    // Enter presses the form's first button: it must be the one that logs in with what was typed.
    await page.keyboard.press('Enter')
    const claims = await service.claims(page, asked)
    assert.deepEqual([claims.pid, claims.acr], [PERSON, higher])
  })
}

async function byPersonButton(world, service) {
  await world.as({}, async (person) => {
    const { page } = person
    const asked = await begin(person, service)
    await tabTo(page, 'button.person')
    const pid = await page.locator('button.person').first().getAttribute('value')
    await page.keyboard.press('Space')
    assert.equal((await service.claims(page, asked)).pid, pid)
  })
}

async function cancelByKeys(world, service) {
  await world.as({}, async (person) => {
    const asked = await begin(person, service)
    await tabTo(person.page, '#cancel')
    await person.page.keyboard.press('Enter')
    assert.equal((await service.answer(person.page, asked)).get('error'), 'access_denied')
  })
}

async function skips(world) {
  await world.as({}, async (person) => {
    const { page } = person
    await begin(person)
    await page.keyboard.press('Tab')
    const target = await page.evaluate(() => document.activeElement.getAttribute('href'))
    assert.match(target ?? '', /^#/)
    await page.keyboard.press('Enter')
    await page.keyboard.press('Tab')
    const isInMain = await page.evaluate(() => document.querySelector('main').contains(document.activeElement))
    assert.ok(isInMain, 'what has the focus next is in the main part')
    assert.equal(await shown(page), 'login')
  })
}
