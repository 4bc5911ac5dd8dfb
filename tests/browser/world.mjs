// What a run needs: the double with its two issuers, a server with production issuers, one whose store fails, the demo
// service, a service of our own, and one Chromium.

import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { setDefaultResultOrder } from 'node:dns'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomBytes } from 'node:crypto'

import { chromium } from 'playwright-core'

import { Program } from './processes.mjs'
import { Service, openCallback } from './relying_party.mjs'

// Node 18 tries one address of `localhost` only; the servers are sure to listen on this one.
setDefaultResultOrder('ipv4first')

export const LANGUAGES = ['nb', 'nn', 'en', 'se']

/** The hosts of the production issuers: names that exist in this run's Chromium only. */
const PRODUCTION = { pilot: 'pilot.example', idporten: 'current.example' }

const BROWSER_FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
]

/** A step is given up after this long, on a machine that may be busy with other things. */
const PATIENCE = 10_000

/** Everything that runs, started by `begin` and ended by `end`. */
export class World {
  #folder = mkdtempSync(join(tmpdir(), 'portvakt-browser-'))
  #programs = []

  /** `portvakt`, `demo` (may be absent) and `browser` are paths of programs. */
  static async begin({ portvakt, demo, browser }) {
    const world = new World()
    process.on('exit', () => rmSync(world.#folder, { recursive: true, force: true }))
    world.pages = JSON.parse(execFileSync(portvakt, ['dev', '--pages'], { encoding: 'utf8' }))
    const [callback, production] = await Promise.all([
      openCallback(),
      world.#startProduction(portvakt),
      world.#startDouble(portvakt, demo),
      world.#startBroken(portvakt),
    ])
    world.callback = callback
    world.services = await Promise.all(world.dev.issuers.map((issuer) => Service.at(issuer, callback.redirectUri)))
    world.production = Object.values(PRODUCTION).map((host) => `https://${host}`)
    world.browser = await chromium.launch({
      executablePath: browser,
      args: [...BROWSER_FLAGS, `--host-resolver-rules=MAP *.example ${production}`],
    })
    return world
  }

  async end() {
    await this.browser?.close()
    this.callback?.close()
    await Promise.all(this.#programs.map((program) => program.end()))
  }

  /** Does something as a new person: a browser profile of their own with one page, gone afterwards. */
  async as({ language, width = 1280, height = 900, script = true }, act) {
    const context = await this.browser.newContext({
      ignoreHTTPSErrors: true,
      javaScriptEnabled: script,
      viewport: { width, height },
      colorScheme: 'light',
      // What a browser asks for by itself has no say in the language of the pages.
      locale: 'fr-FR',
    })
    context.setDefaultTimeout(PATIENCE)
    try {
      const person = { world: this, context, page: await context.newPage(), language: language ?? 'nb' }
      if (language) await this.pickLanguage(person)
      return await act(person)
    } finally {
      await context.close()
    }
  }

  /** Puts the language that this person has picked into their browser, as the switch on the pages does. */
  async pickLanguage({ context, language }) {
    const hosts = [this.dev.issuers[0].issuer, ...this.production]
    const cookie = { name: 'IDPORTEN_SELECTED_LANGUAGE', value: language, path: '/' }
    await context.addCookies(hosts.map((url) => ({ ...cookie, domain: new URL(url).hostname })))
  }

  async #startDouble(portvakt, demo) {
    const args = ['dev', '--json', '--listen', '0']
    if (demo) {
      const summary = join(this.#folder, 'ready.json')
      const service = this.#start(demo, ['--listen', '0', '--summary', summary])
      this.demo = await service.ready('stdout', (line) => line.match(/http:\/\/\S+/)?.[0])
      args.push('--demo', this.demo, '--ready-file', summary)
    }
    this.dev = await this.#start(portvakt, args).ready('stdout', json)
  }

  /** A server whose store fails, since a table is gone, and the cookie of a login begun before that. */
  async #startBroken(portvakt) {
    const data = join(this.#folder, 'broken')
    const { issuers } = await this.#start(portvakt, ['dev', '--json', '--listen', '0', '--data', data]).ready('stdout', json)
    const service = await Service.at(issuers[0], 'http://127.0.0.1/callback')
    const begun = await fetch(service.begin().url, { redirect: 'manual' })
    const [name, value] = begun.headers.get('set-cookie').split(';')[0].split('=')
    const rename = 'import sqlite3,sys\nsqlite3.connect(sys.argv[1]).execute("ALTER TABLE login RENAME TO gone")'
    execFileSync('python3', ['-c', rename, join(data, 'portvakt.db')])
    this.broken = { endSession: service.metadata.end_session_endpoint, cookie: { name, value } }
  }

  /** A server with production issuers and TLS of its own. Answers where it listens. */
  async #startProduction(portvakt) {
    const folder = join(this.#folder, 'production')
    mkdirSync(folder)
    const file = (name, text) => writeFileSync(join(folder, name), text, { mode: 0o600 })
    selfSigned(folder, Object.values(PRODUCTION))
    file('master.key', randomBytes(32).toString('hex'))
    const issuers = Object.entries(PRODUCTION).map(([profile, host]) =>
      `[[issuers]]\nissuer = "https://${host}"\nprofile = "${profile}"\nenvironment = "production"\nterms = "1"\n`)
    file('portvakt.toml', `data = "data"\nmaster_key = { file = "master.key" }\n
      [[listeners]]\naddress = "127.0.0.1:0"\ntls = { certificate = "certificate.pem", key = "key.pem" }\n
      ${issuers.join('\n')}`)
    const server = this.#start(portvakt, ['serve', '--config', join(folder, 'portvakt.toml')])
    return server.ready('stderr', (line) => {
      const event = json(line)
      return event?.message === 'listening' ? event.address : undefined
    })
  }

  #start(file, args) {
    const program = new Program(file, args)
    this.#programs.push(program)
    return program
  }
}

/** A line of JSON as a value; any other line is nothing. */
function json(line) {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

/** A certificate for these hosts that nobody vouches for. */
function selfSigned(folder, hosts) {
  const names = hosts.map((host) => `DNS:${host}`).join(',')
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', join(folder, 'key.pem')]
  const certificate = ['-days', '2', '-subj', '/CN=portvakt', '-addext', `subjectAltName=${names}`]
  execFileSync(
    'openssl',
    ['req', '-x509', ...key, ...certificate, '-out', join(folder, 'certificate.pem')],
    { stdio: 'ignore' },
  )
}
