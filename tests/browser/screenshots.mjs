// Every page as people see it, into a folder, and sheets that show them side by side.

import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

export const WIDTHS = [320, 1280]
export const COLOURS = ['light', 'dark']

/** The folder of the pictures. */
export class Album {
  #folder

  constructor(folder) {
    this.#folder = folder
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
  }

  /** Takes a page at both widths, light and dark. */
  async take(page, name) {
    const before = page.viewportSize()
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 800 })
      for (const colorScheme of COLOURS) {
        await page.emulateMedia({ colorScheme })
        const path = join(this.#folder, `${name.replaceAll('/', '-')}-${width}-${colorScheme}.png`)
        await page.screenshot({ path, fullPage: true, animations: 'disabled' })
      }
    }
    await page.setViewportSize(before)
    await page.emulateMedia({ colorScheme: 'light' })
  }

  /** One sheet for each width and colour. Answers how many pictures there are. */
  async bind(browser) {
    const pictures = readdirSync(this.#folder).filter((file) => file.endsWith('.png')).sort()
    const page = await browser.newPage({ viewport: { width: 1600, height: 1000 } })
    for (const width of WIDTHS) {
      for (const colour of COLOURS) {
        const ending = `-${width}-${colour}.png`
        const shown = pictures.filter((file) => file.endsWith(ending))
        const html = join(this.#folder, `sheet${ending}`.replace('.png', '.html'))
        writeFileSync(html, sheet(shown, ending, width === 320 ? 250 : 500))
        await page.goto(pathToFileURL(html).href)
        await page.screenshot({ path: html.replace('.html', '.png'), fullPage: true })
      }
    }
    await page.close()
    return pictures.length
  }
}

function sheet(files, ending, width) {
  const figure = (file) =>
    `<figure><figcaption>${file.slice(0, -ending.length)}</figcaption><img src="${file}" width="${width}" alt=""></figure>`
  const style = 'body{font:14px sans-serif;display:flex;flex-wrap:wrap;gap:16px;align-items:start;background:#888}figure{margin:0}img{display:block}'
  return `<!doctype html><meta charset="utf-8"><title>${ending}</title><style>${style}</style>${files.map(figure).join('')}`
}
