// Every page in a real Chromium: node run.mjs --portvakt FILE [--demo FILE] --chromium FILE --screenshots FOLDER

import assert from 'node:assert/strict'
import test, { after, describe } from 'node:test'
import { parseArgs } from 'node:util'

import { deadEnds } from './dead_ends.mjs'
import { demo } from './demo.mjs'
import { keyboard } from './keyboard.mjs'
import { logins } from './logins.mjs'
import { pages } from './pages.mjs'
import { Album } from './screenshots.mjs'
import { weight } from './weight.mjs'
import { World } from './world.mjs'

const text = { type: 'string' }
const { values } = parseArgs({ options: { portvakt: text, demo: text, chromium: text, screenshots: text } })

const world = await World.begin({ portvakt: values.portvakt, demo: values.demo, browser: values.chromium })
const album = new Album(values.screenshots)
const titles = new Map()
after(async () => {
  try {
    console.log(`${await album.bind(world.browser)} screenshots in ${values.screenshots}`)
  } finally {
    await world.end()
  }
})

// People do not wait for each other, and neither does a machine with two cores.
const atOnce = { concurrency: 4 }
describe('pages', atOnce, () => pages(world, album, titles))
describe('logins', atOnce, () => logins(world))
describe('dead ends', atOnce, () => deadEnds(world))
describe('keyboard', atOnce, () => keyboard(world))
describe('weight', () => weight(world))
if (world.demo) describe('demo', () => demo(world, album))

test('every page of the server was visited', () => {
  assert.deepEqual([...world.pages].filter((name) => !titles.has(name)), [])
})

test('a title says the step: no two pages have the same, but for those of one kind', () => {
  const kind = (name) => (name.startsWith('login/') ? 'login/fault' : name.split('/')[0])
  const kinds = new Map()
  for (const [name, title] of titles) {
    assert.equal(kinds.get(title) ?? kind(name), kind(name), title)
    kinds.set(title, kind(name))
  }
})
