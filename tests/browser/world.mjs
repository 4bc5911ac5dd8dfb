// What a run needs: the double with its two issuers, another where nothing happens but what a test does, a server with production
// issuers and one for tests, one whose store fails, the demo service, services of our own, and one Chromium.

import { execFile, execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { setDefaultResultOrder } from 'node:dns'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomBytes } from 'node:crypto'
import { promisify } from 'node:util'

import { chromium } from 'playwright-core'

import { CLIENTS, SECRET, catalogue, persons } from './catalogue.mjs'
import { Program } from './processes.mjs'
import { Service, openCallback } from './relying_party.mjs'

// Node 18 tries one address of `localhost` only; the servers are sure to listen on this one.
setDefaultResultOrder('ipv4first')

export const LANGUAGES = ['nb', 'nn', 'en', 'se']

/** The hosts of the production issuers, and that of the issuer for tests: names that exist in this run's Chromium only. */
const PRODUCTION = { pilot: 'pilot.example', idporten: 'current.example' }
const TEST = 'test.example'

/** What `portvakt dev` reads its own address out of a catalogue by. */
const AT_DEV = ['http://localhost:8080/idporten-oidc-provider/', 'http://localhost:8080']

/** The service whose callback goes on to another origin. */
const ONWARD = 'onward-web'

const BROWSER_FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
]

/** A step is given up after this long, on a machine that may be busy with other things. */
const PATIENCE = 30_000

/** Everything that runs, started by `begin` and ended by `end`. */
export class World {
  #folder = mkdtempSync(join(tmpdir(), 'portvakt-browser-'))
  #programs = []

  /** `portvakt`, `demo` (may be absent) and `browser` are paths of programs. */
  static async begin({ portvakt, demo, browser }) {
    const world = new World()
    process.on('exit', () => rmSync(world.#folder, { recursive: true, force: true }))
    world.pages = pagesOf(portvakt, ['dev', '--pages'])
    world.elsewhere = await openCallback()
    world.callback = await openCallback(world.elsewhere.redirectUri)
    const [production] = await Promise.all([
      world.#startProduction(portvakt),
      world.#startDouble(portvakt, demo),
      world.#startQuiet(portvakt),
      world.#startBroken(portvakt),
    ])
    world.production = Object.values(PRODUCTION).map((host) => `https://${host}`)
    world.test = `https://${TEST}`
    world.browser = await chromium.launch({
      executablePath: browser,
      args: [...BROWSER_FLAGS, `--host-resolver-rules=MAP *.example ${production}`],
    })
    return world
  }

  async end() {
    await this.browser?.close()
    this.callback?.close()
    this.elsewhere?.close()
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
    const hosts = [this.dev.issuers[0].issuer, ...this.production, this.test]
    const cookie = { name: 'IDPORTEN_SELECTED_LANGUAGE', value: language, path: '/' }
    await context.addCookies(hosts.map((url) => ({ ...cookie, domain: new URL(url).hostname })))
  }

  /** Every login of this client's at the quiet double is older than its lifetime from now on. */
  async expire(clientId) {
    const update = `import sqlite3,sys,time
store = sqlite3.connect(sys.argv[1], isolation_level=None)
store.execute("UPDATE login SET expires = ? WHERE client_id = ?", (int(time.time()) - 1, sys.argv[2]))`
    await promisify(execFile)('python3', ['-c', update, join(this.#folder, 'quiet', 'portvakt.db'), clientId])
  }

  /** The double with the demo's catalogue, a service whose callback goes on, and the demo service. */
  async #startDouble(portvakt, demo) {
    const { redirectUri, onward } = this.callback
    const client = ['--client', ONWARD, '--secret', SECRET, '--redirect-uri', onward]
    const args = ['dev', '--json', '--listen', '0', ...client]
    if (demo) {
      this.demoPages = pagesOf(demo, ['--pages'])
      const summary = join(this.#folder, 'ready.json')
      const nobody = join(this.#folder, 'never.json')
      const [address, waiting] = await Promise.all([summary, nobody].map((file) => {
        const service = this.#start(demo, ['--listen', '0', '--summary', file])
        return service.ready('stdout', (line) => line.match(/http:\/\/\S+/)?.[0])
      }))
      Object.assign(this, { demo: address, waiting })
      args.push('--demo', this.demo, '--ready-file', summary)
    }
    this.dev = await this.#start(portvakt, args).ready('stdout', json)
    const at = (redirect, client) => Promise.all(this.dev.issuers.map((issuer) => Service.at(issuer, redirect, client)))
    this.services = await at(redirectUri)
    this.onward = await at(onward, { clientId: ONWARD, secret: SECRET, arrivesAt: this.elsewhere.redirectUri })
  }

  /**
   * Another double, where nothing is refused but three requests at its first issuer, before anybody looks, and nothing at its
   * second. `named` are its services at the first issuer, by client.
   */
  async #startQuiet(portvakt) {
    const file = join(this.#folder, 'quiet.toml')
    const { redirectUri } = this.callback
    writeFileSync(file, catalogue({ issuers: AT_DEV, redirectUri }) + persons())
    const args = ['--data', join(this.#folder, 'quiet'), '--catalogue', file]
    this.quiet = await this.#start(portvakt, ['dev', '--json', '--listen', '0', ...args]).ready('stdout', json)
    const at = (clientId) => Service.at(this.quiet.issuers[0], redirectUri, { clientId, secret: SECRET })
    this.named = Object.fromEntries(await Promise.all(CLIENTS.map(async (id) => [id, await at(id)])))
    const service = this.named[CLIENTS[0]]
    await fetch(service.begin({ redirect_uri: 'https://elsewhere.example/callback?a=1' }).url)
    await fetch(service.begin({ client_id: `<b>${'x'.repeat(900)}` }).url)
    const authorization = `Basic ${Buffer.from(`${service.clientId}:wrong`).toString('base64')}`
    const body = new URLSearchParams({ grant_type: 'authorization_code', code: 'none' })
    await fetch(service.metadata.token_endpoint, { method: 'POST', body, headers: { authorization } })
  }

  /** A server whose store fails, since a table is gone, and the cookie of a login begun before that. It has no test persons. */
  async #startBroken(portvakt) {
    const data = join(this.#folder, 'broken')
    const file = join(this.#folder, 'broken.toml')
    const { redirectUri } = this.callback
    writeFileSync(file, catalogue({ issuers: AT_DEV, redirectUri }))
    const args = ['--data', data, '--catalogue', file]
    const { issuers } = await this.#start(portvakt, ['dev', '--json', '--listen', '0', ...args]).ready('stdout', json)
    const service = await Service.at(issuers[0], redirectUri, { clientId: CLIENTS[0] })
    const begun = await fetch(service.begin().url, { redirect: 'manual' })
    const [name, value] = begun.headers.get('set-cookie').split(';')[0].split('=')
    const rename = 'import sqlite3,sys\nsqlite3.connect(sys.argv[1]).execute("ALTER TABLE login RENAME TO gone")'
    execFileSync('python3', ['-c', rename, join(data, 'portvakt.db')])
    this.broken = { issuers, endSession: service.metadata.end_session_endpoint, cookie: { name, value } }
  }

  /** A server with production issuers, one for tests, and TLS of its own. Answers where it listens. */
  async #startProduction(portvakt) {
    const folder = join(this.#folder, 'production')
    mkdirSync(folder)
    const file = (name, text) => writeFileSync(join(folder, name), text, { mode: 0o600 })
    selfSigned(folder, [...Object.values(PRODUCTION), TEST])
    file('master.key', randomBytes(32).toString('hex'))
    const issuer = (host, profile, environment, more = '') =>
      `[[issuers]]\nissuer = "https://${host}"\nprofile = "${profile}"\nenvironment = "${environment}"\nterms = "demo"\n${more}`
    const issuers = Object.entries(PRODUCTION).map(([profile, host]) => issuer(host, profile, 'production'))
    issuers.push(issuer(TEST, 'idporten', 'test', 'testid = { pools = ["demo"] }\n'))
    file('portvakt.toml', `data = "data"\nmaster_key = { file = "master.key" }\n
      [[listeners]]\naddress = "127.0.0.1:0"\ntls = { certificate = "certificate.pem", key = "key.pem" }\n
      ${issuers.join('\n')}`)
    file('persons.toml', persons())
    const config = ['--config', join(folder, 'portvakt.toml')]
    execFileSync(portvakt, ['apply', ...config, join(folder, 'persons.toml')], { stdio: ['ignore', 'ignore', 'pipe'] })
    const server = this.#start(portvakt, ['serve', ...config])
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

/** The names of all pages that a program has. */
const pagesOf = (program, args) => JSON.parse(execFileSync(program, args, { encoding: 'utf8' }))

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
