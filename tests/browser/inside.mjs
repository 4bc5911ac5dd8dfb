// What is asked of a page from inside it. Each function here runs in the browser: it is sent there as text and can use nothing
// but its argument. What is wrong comes back as sentences.

/** What no page may lack: one heading, one `main`, a title, the fixed phrase of its kind, the switch, ids that are unique. */
export function structure() {
  const wrong = []
  const count = (selector) => document.querySelectorAll(selector).length
  if (count('h1') !== 1) wrong.push(`${count('h1')} h1`)
  if (count('main[id]') !== 1) wrong.push(`${count('main[id]')} main with an id`)
  if (!document.title.trim()) wrong.push('no title')
  if (!/^portvakt-/.test(document.querySelector('footer #page-name, footer#page-name')?.textContent.trim() ?? ''))
    wrong.push('no fixed phrase in #page-name')
  const tags = [...document.querySelectorAll('form#language button[name=language]')].map(({ value }) => value)
  if (tags.join() !== 'nb,nn,en,se') wrong.push(`the switch offers ${tags.join() || 'nothing'}`)
  for (const { textContent } of document.querySelectorAll('main p.ds-paragraph')) {
    if (!/[.:!?]$/.test(textContent.trim())) wrong.push(`a paragraph that does not end: ${textContent.trim()}`)
  }
  const seen = new Set()
  for (const { id } of document.querySelectorAll('[id]')) {
    if (seen.has(id)) wrong.push(`two elements with the id ${id}`)
    seen.add(id)
  }
  for (const control of document.querySelectorAll('main form :is(button, input:not([type=hidden]), select)')) {
    const known = control.name && control.className && (control.id || control.type === 'submit')
    if (!known) wrong.push(`no stable name, id and class: ${control.outerHTML.slice(0, 120)}`)
  }
  return wrong
}

/** The page's texts for people, each once: what is marked as another language, code or a name is left out. */
export function texts() {
  const found = new Set([document.title])
  const apart = 'bdi, code, kbd, samp, pre, script, style, [translate=no], form#language button, #page-name'
  const isOurs = (element) => !element.closest(apart) && element.closest('[lang]') === document.documentElement
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (walk.nextNode()) {
    if (isOurs(walk.currentNode.parentElement)) found.add(walk.currentNode.data)
  }
  for (const name of ['aria-label', 'title', 'alt', 'placeholder']) {
    for (const element of document.querySelectorAll(`body [${name}]`)) {
      if (isOurs(element)) found.add(element.getAttribute(name))
    }
  }
  const clean = [...found].map((text) => text.replace(/\s+/g, ' ').trim())
  return clean.filter((text) => /\p{L}{2}/u.test(text))
}

/** What does not fit: sideways scrolling, elements that stand out of the window, text that is cut off. */
export function fit() {
  const wrong = []
  const width = document.documentElement.clientWidth
  const name = (element) => `${element.tagName.toLowerCase()}${element.id && `#${element.id}`}`
    + `${element.className && `.${String(element.className).split(' ').join('.')}`}`
  const { scrollWidth } = document.scrollingElement
  if (scrollWidth > innerWidth) wrong.push(`${scrollWidth} px wide in a window of ${innerWidth}`)
  for (const element of document.body.querySelectorAll('*')) {
    const style = getComputedStyle(element)
    const box = element.getBoundingClientRect()
    // What is there for screen readers alone is cut off on purpose.
    const isSeen = box.width > 1 && box.height > 1 && style.visibility !== 'hidden'
    if (!isSeen) continue
    if (box.left < -1 || box.right > width + 1) wrong.push(`${name(element)} stands out of the window`)
    const cuts = (overflow) => overflow === 'hidden' || overflow === 'clip'
    if (cuts(style.overflowX) && element.scrollWidth > element.clientWidth + 1) wrong.push(`${name(element)} is cut off sideways`)
    if (cuts(style.overflowY) && element.scrollHeight > element.clientHeight + 1) wrong.push(`${name(element)} is cut off below`)
    const isField = element.matches('input:not([type=radio]):not([type=checkbox])')
    if (isField && element.scrollHeight > element.clientHeight + 2) wrong.push(`${name(element)} is too low for its text`)
  }
  return wrong
}

/** Adds a style that a person might have; `''` takes it away. No policy of the page's keeps people from it. */
export function restyle(css) {
  const sheet = new CSSStyleSheet()
  sheet.replaceSync(css)
  document.adoptedStyleSheets = css ? [sheet] : []
}

/** Controls smaller than 24 by 24 px (WCAG 2.5.8); a link in running text is as high as its line. */
export function small() {
  const wrong = []
  for (const control of document.querySelectorAll('a[href], button, input:not([type=hidden]), select, summary')) {
    const inText = control.matches('a') && control.parentElement.closest('p, li, dd, td, small')
    const targets = [control, ...(control.labels ?? [])].map((element) => element.getBoundingClientRect())
    const isSeen = targets[0].width > 1
    const isLarge = targets.some(({ width, height }) => width >= 24 && height >= 24)
    if (isSeen && !isLarge && !inText) {
      const { width, height } = targets[0]
      wrong.push(`${control.id || control.textContent.trim()}: ${Math.round(width)} × ${Math.round(height)} px`)
    }
  }
  return wrong
}

/** With colours forced, backgrounds and shadows are gone: a control shows itself by its border. */
export function borderless() {
  const controls = [...document.querySelectorAll('button, input:not([type=hidden]), select')]
  const isDrawn = (element) => {
    const { borderTopStyle, borderTopWidth, appearance, outlineStyle } = getComputedStyle(element)
    const bordered = borderTopStyle !== 'none' && parseFloat(borderTopWidth) > 0
    return bordered || outlineStyle !== 'none' || (appearance !== 'none' && element.matches('input'))
  }
  return controls.filter((element) => !isDrawn(element)).map((element) => `${element.id || element.textContent.trim()} has no border`)
}
