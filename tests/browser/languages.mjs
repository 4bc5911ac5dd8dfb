// A page is in one language. Two languages of the same page are laid side by side: what stands in both must be the same in both
// for a reason. And no text of the tables stands on a page of another language.

import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

import { LANGUAGES } from './world.mjs'

/** The tables of the pages' texts. */
const TABLES = new URL('../../crates/web/src/pages/', import.meta.url).pathname

/** What is the same in every language: names, and the words of the protocol. */
const SAME = [/^Portvakt$/, /^TestID$/, /^ID-porten$/, /^Pilot$/, /^https?:\/\/\S+$/, /^[\w.:/-]*\d[\w.:/-]*$/, /^(nb|nn|en|se)$/]

/** Words that Bokmål and Nynorsk do not share, in case a text is wrong in the table itself. */
const BOKMÅL = ['ikke', 'fra', 'tjenesten', 'tjeneste', 'noe', 'hva', 'hvordan', 'hvis', 'bare', 'velg', 'gjør', 'kommer', 'jeg', 'nettleseren', 'innloggingen', 'være', 'ble', 'hvem']
const NYNORSK = ['ikkje', 'frå', 'tenesta', 'teneste', 'noko', 'kva', 'korleis', 'dersom', 'berre', 'vel', 'gjer', 'kjem', 'eg', 'sida', 'nettlesaren', 'innlogginga', 'vere', 'vart', 'kven', 'byrja']

/** Every text of the pages in each language, in pieces: what stands before and after a placeholder counts for itself. */
const OURS = readTexts()

/** By language: each piece of another one that stands in no text of its own. A page that shows it is a mixture. */
const FOREIGN = Object.fromEntries(LANGUAGES.map((language) => {
  const own = OURS[language].join('\n')
  const others = LANGUAGES.filter((other) => other !== language)
  const pieces = others.flatMap((other) => OURS[other].map((piece) => ({ other, piece, pattern: whole(piece) })))
  return [language, pieces.filter(({ pattern }) => !pattern.test(own))]
}))

function readTexts() {
  const files = ['texts.rs', ...readdirSync(join(TABLES, 'texts')).map((file) => join('texts', file))]
  const source = files.map((file) => readFileSync(join(TABLES, file), 'utf8')).join('\n')
  const read = (language) => {
    const lines = source.matchAll(new RegExp(`^\\s*${language}: ("(?:[^"\\\\]|\\\\.)*"),$`, 'gm'))
    const texts = [...lines].map(([, literal]) => JSON.parse(literal))
    return texts.flatMap((text) => text.split(/\{\w*\}/)).map((piece) => piece.trim()).filter((piece) => /\p{L}{2}/u.test(piece))
  }
  return Object.fromEntries(LANGUAGES.map((language) => [language, read(language)]))
}

/** The piece as such, not within another word. */
function whole(piece) {
  return new RegExp(`(?<!\\p{L})${piece.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}(?!\\p{L})`, 'u')
}

const words = (text) => text.toLowerCase().split(/[^\p{L}]+/u)

/** How many texts each language has, in pieces. */
export const counts = () => Object.values(OURS).map((pieces) => pieces.length)

/** What is wrong with one page's texts in the four languages: `texts` is a list for each. */
export function mixtures(texts) {
  const wrong = []
  for (const [language, foreign] of [['nb', NYNORSK], ['nn', BOKMÅL]]) {
    for (const text of texts[language]) {
      const found = words(text).filter((word) => foreign.includes(word))
      if (found.length > 0) wrong.push(`${language} has “${found.join(', ')}” in: ${text}`)
    }
  }
  for (const language of LANGUAGES) {
    for (const text of texts[language]) {
      const found = FOREIGN[language].filter(({ pattern }) => pattern.test(text))
      wrong.push(...found.map(({ other, piece }) => `${language} has “${piece}”, which is ${other}, in: ${text}`))
    }
  }
  const apart = LANGUAGES.flatMap((one, at) => LANGUAGES.slice(at + 1).map((other) => [one, other]))
  for (const [one, other] of apart.filter((pair) => pair.join() !== 'nb,nn')) {
    const both = texts[one].filter((text) => texts[other].includes(text))
    const unexplained = both.filter((text) => !SAME.some((pattern) => pattern.test(text)))
    wrong.push(...unexplained.map((text) => `the same in ${one} and ${other}: ${text}`))
  }
  return wrong
}
