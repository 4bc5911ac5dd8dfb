// A page is in one language. Two languages of the same page are laid side by side: what stands in both must be the same in both
// for a reason.

import { LANGUAGES } from './world.mjs'

/** What is the same in every language: names, and the words of the protocol. */
const SAME = [/^Portvakt$/, /^TestID$/, /^ID-porten$/, /^Pilot$/, /^https?:\/\/\S+$/, /^[\w.:/-]*\d[\w.:/-]*$/, /^(nb|nn|en|se)$/]

/** Bokmål and Nynorsk share whole sentences; these words they do not share. */
const BOKMÅL = ['ikke', 'fra', 'tjenesten', 'tjeneste', 'noe', 'hva', 'hvordan', 'hvis', 'bare', 'velg', 'gjør', 'kommer', 'jeg', 'nettleseren', 'innloggingen', 'være', 'ble', 'hvem']
const NYNORSK = ['ikkje', 'frå', 'tenesta', 'teneste', 'noko', 'kva', 'korleis', 'dersom', 'berre', 'vel', 'gjer', 'kjem', 'eg', 'sida', 'nettlesaren', 'innlogginga', 'vere', 'vart', 'kven', 'byrja']

const words = (text) => text.toLowerCase().split(/[^\p{L}]+/u)

/** What is wrong with one page's texts in the four languages: `texts` is a list for each. */
export function mixtures(texts) {
  const wrong = []
  for (const [language, foreign] of [['nb', NYNORSK], ['nn', BOKMÅL]]) {
    for (const text of texts[language]) {
      const found = words(text).filter((word) => foreign.includes(word))
      if (found.length > 0) wrong.push(`${language} has “${found.join(', ')}” in: ${text}`)
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
