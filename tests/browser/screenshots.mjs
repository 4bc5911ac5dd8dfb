// Every page as people see it, into a folder, and sheets that show them side by side.

import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

export const WIDTHS = [320, 1280]
export const COLOURS = ['light', 'dark']

/** A sheet is so wide, has so many pictures, and shows so much of each, in the picture's own pixels. */
const SHEET = 1600
const ON_A_SHEET = 12
const HEIGHT = 1200

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

  /** Sheets for each width and colour. Answers how many pictures there are. */
  async bind(browser) {
    const pictures = readdirSync(this.#folder).filter((file) => file.endsWith('.png')).sort()
    const page = await browser.newPage({ viewport: { width: SHEET, height: 1000 } })
    for (const width of WIDTHS) {
      for (const colour of COLOURS) {
        const ending = `-${width}-${colour}.png`
        const shown = pictures.filter((file) => file.endsWith(ending))
        for (let at = 0; at < shown.length; at += ON_A_SHEET) {
          const name = `sheet-${width}-${colour}-${at / ON_A_SHEET + 1}`
          const html = join(this.#folder, `${name}.html`)
          writeFileSync(html, sheet(shown.slice(at, at + ON_A_SHEET), ending, width))
          await page.goto(pathToFileURL(html).href)
          await page.screenshot({ path: join(this.#folder, `${name}.png`), fullPage: true })
        }
      }
    }
    await page.close()
    return pictures.length
  }
}

/** One sheet. Of a long page its upper part is shown: the picture itself has the rest. */
function sheet(files, ending, width) {
  const across = width === 320 ? 6 : 3
  const each = Math.floor((SHEET - 16 * (across + 1)) / across)
  const crop = Math.round(HEIGHT * each / width)
  const figure = (file) =>
    `<figure><figcaption>${file.slice(0, -ending.length)}</figcaption><div><img src="${file}" width="${each}" alt=""></div></figure>`
  const style = `body{font:14px sans-serif;display:flex;flex-wrap:wrap;gap:16px;margin:16px;align-items:start;background:#888}
    figure{margin:0;width:${each}px}div{max-height:${crop}px;overflow:hidden}img{display:block}`
  return `<!doctype html><meta charset="utf-8"><title>${ending}</title><style>${style}</style>${files.map(figure).join('')}`
}
