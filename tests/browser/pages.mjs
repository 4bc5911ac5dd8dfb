// Every page that people can meet, in four languages, light and dark: structure, axe, one language, small windows, large text.

import assert from 'node:assert/strict'
import test from 'node:test'

import { axe } from './axe.mjs'
import * as inside from './inside.mjs'
import { counts, mixtures } from './languages.mjs'
import { COLOURS } from './screenshots.mjs'
import { AFTER_THE_SWITCH, WAYS, reach, shown } from './states.mjs'
import { LANGUAGES } from './world.mjs'

/** WCAG 1.4.12: a page bears this without loss. */
const TEXT_SPACING = `* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important }
  p { margin-block-end: 2em !important }`

/** WCAG 1.4.4: letters of twice the size. */
const LARGE_TEXT = 'html { font-size: 200% !important }'

/** Registers a test for each page. `titles` gets the title of each that was visited. */
export function pages(world, album, titles) {
  test('the pages that this run knows are those that the server has', () => {
    assert.deepEqual(Object.keys(WAYS).sort(), [...world.pages].sort())
  })
  test('the texts are read from their tables, as many in each language', () => {
    // A text's placeholder may stand at its end in one language and within it in another: the pieces may differ a little.
    assert.ok(Math.min(...counts()) > 60, counts().join())
    assert.ok(Math.max(...counts()) - Math.min(...counts()) < 20, counts().join())
  })
  for (const [name, ways] of Object.entries(WAYS)) {
    test(name, async (t) => {
      const found = await walk(world, album, name, ways, titles)
      for (const [bar, wrong] of Object.entries(found)) {
        await t.test(bar, () => assert.ok(wrong.size === 0, `\n${told(wrong)}`))
      }
    })
  }
}

/** What is wrong, once each, and where. */
const told = (wrong) => [...wrong].map(([sentence, places]) => `${sentence} (${places.join(', ')})`).join('\n')

/** Looks at one page in all its ways and languages. Answers, by bar, what is wrong. */
async function walk(world, album, name, ways, titles) {
  const found = {
    'one heading, one main, the fixed phrase, the switch, ids': new Map(),
    'axe finds nothing, light and dark': new Map(),
    'one language': new Map(),
    'at 320 px, at 400 %, with text spaced and at 200 %, nothing is cut off': new Map(),
    'targets of 24 px, borders where colours are forced': new Map(),
    'the switch changes the language and stays at the page, or leads to where the page came from': new Map(),
  }
  const [structure, axed, language, fit, targets, switched] = Object.values(found)
  for (const [at, way] of ways.entries()) {
    const texts = {}
    await Promise.all(LANGUAGES.map(async (tag) => {
      await world.as({ language: tag }, async (person) => {
        const { page } = person
        const note = (bar, wrong) => wrong.forEach((sentence) => noted(bar, sentence, `${tag}, way ${at + 1}`))
        await reach(person, name, way)
        if (at === 0 && tag === 'nb') titles.set(name, await page.title())
        note(structure, await page.evaluate(inside.structure))
        texts[tag] = await page.evaluate(inside.texts)
        // Colours do not depend on the language: the first way is looked at in each all the same, the others in one.
        for (const colorScheme of at === 0 || tag === 'nb' ? COLOURS : ['light']) {
          await page.emulateMedia({ colorScheme })
          note(axed, (await axe(page)).map((sentence) => `${colorScheme}: ${sentence}`))
        }
        await page.emulateMedia({ colorScheme: 'light', forcedColors: 'active' })
        note(targets, await page.evaluate(inside.borderless))
        await page.emulateMedia({ colorScheme: 'light', forcedColors: 'none' })
        note(targets, await page.evaluate(inside.small))
        if (at === 0 || tag === 'nb') note(fit, await fits(page))
        if (at === 0 && tag === 'nb') await album.take(page, name)
        if (at === 0 && tag !== 'nb' && name === 'login') await album.take(page, `${name}-${tag}`)
        if (at > 0 && tag === 'nb') await album.take(page, `${name}-way-${at + 1}`)
        note(switched, await switches(person, name))
      })
    }))
    mixtures(texts).forEach((sentence) => noted(language, sentence, `way ${at + 1}`))
  }
  return found
}

function noted(bar, sentence, place) {
  bar.set(sentence, [...(bar.get(sentence) ?? []), place])
}

/** What does not fit in small windows and with large text. 400 % of zoom makes 1280 px 320. */
async function fits(page) {
  const wrong = []
  const look = async (how, { width, height }, css = '') => {
    await page.setViewportSize({ width, height })
    await page.evaluate(inside.restyle, css)
    wrong.push(...(await page.evaluate(inside.fit)).map((sentence) => `${how}: ${sentence}`))
  }
  await look('320 px', { width: 320, height: 640 })
  await look('320 px, text spaced', { width: 320, height: 640 }, TEXT_SPACING)
  await look('400 %', { width: 320, height: 225 })
  await look('1280 px', { width: 1280, height: 900 })
  await look('1280 px, text spaced', { width: 1280, height: 900 }, TEXT_SPACING)
  await look('text at 200 %', { width: 1280, height: 900 }, LARGE_TEXT)
  await page.evaluate(inside.restyle, '')
  return wrong
}

/** Presses the next language's button. */
async function switches({ page, language }, name) {
  const next = LANGUAGES[(LANGUAGES.indexOf(language) + 1) % LANGUAGES.length]
  await page.locator(`#language-${next}`).click()
  await page.waitForLoadState()
  const [tag, reached] = [await page.locator('html').getAttribute('lang'), await shown(page)]
  const wrong = []
  if (tag !== next) wrong.push(`asked for ${next}, got ${tag}`)
  if (reached !== (AFTER_THE_SWITCH[name] ?? name)) wrong.push(`ended at ${reached}`)
  return wrong
}
