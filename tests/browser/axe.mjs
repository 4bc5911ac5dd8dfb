// axe-core on a page: what it finds, as sentences.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

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

/** Runs axe on the page as it stands. */
export async function axe(page) {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(source)
  const { violations, incomplete } = await page.evaluate((options) => window.axe.run(document, options), OPTIONS)
  const undecided = incomplete.filter(isUndecided).map((rule) => ({ ...rule, nodes: rule.nodes.filter((node) => !isChoice(node)) }))
  const found = [...violations, ...undecided]
  return found.flatMap(({ id, help, nodes }) => nodes.map((node) => {
    const why = [...node.any, ...node.all, ...node.none].map(({ message }) => message).join('; ')
    return `${id}: ${help}. ${node.target.join(' ')}: ${why}`
  }))
}
