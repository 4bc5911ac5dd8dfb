// axe-core on a page: what it finds, as sentences.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

import { restyle } from './inside.mjs'

const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

const OPTIONS = {
  runOnly: {
    type: 'tag',
    values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
  },
  // New in WCAG 2.2, and switched off where it is not named.
  rules: { 'target-size': { enabled: true } },
  resultTypes: ['violations', 'incomplete'],
}

/**
 * What axe could not decide counts as found where it is about contrast: our pages have no images behind text. A choice's arrow is
 * one, drawn as a gradient beside the text.
 */
const isUndecided = ({ id }) => id === 'color-contrast'
const isChoice = ({ html }) => html.startsWith('<select')

/** What a box hides until it is scrolled is hidden from axe as well: its colours are looked at with every box rolled out. */
const ROLLED_OUT = '* { overflow: visible !important; max-block-size: none !important }'
const COLOURS = { runOnly: ['color-contrast'], resultTypes: OPTIONS.resultTypes }

/** Runs axe on the page as it stands. */
export async function axe(page) {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(source)
  const run = (options) => page.evaluate((options) => window.axe.run(document, options), options)
  const { violations, incomplete } = await run(OPTIONS)
  const open = (rules) => rules.filter(isUndecided)
    .map((rule) => ({ ...rule, nodes: rule.nodes.filter((node) => !isChoice(node)) }))
    .filter(({ nodes }) => nodes.length > 0)
  const found = [...violations]
  if (open(incomplete).length > 0) {
    await page.evaluate(restyle, ROLLED_OUT)
    const again = await run(COLOURS)
    await page.evaluate(restyle, '')
    found.push(...again.violations, ...open(again.incomplete))
  }
  return found.flatMap(({ id, help, nodes }) => nodes.map((node) => {
    const why = [...node.any, ...node.all, ...node.none].map(({ message }) => message).join('; ')
    return `${id}: ${help}. ${node.target.join(' ')}: ${why}`
  }))
}
