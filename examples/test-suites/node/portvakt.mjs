// Portvakt for the tests of a service. The program is the one that the environment variable PORTVAKT names, or else the
// portvakt on the PATH.

import { spawn } from 'node:child_process'
import { setDefaultResultOrder } from 'node:dns'
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

// `localhost` may be two addresses, and Node 18 tries only one: the first is where Portvakt is sure to listen.
setDefaultResultOrder('ipv4first')

const PATIENCE = 30_000

/**
 * Starts Portvakt on a free port and waits until it is ready. Call `stop` in an `after` hook; should the tests end without,
 * Portvakt ends with them. The arguments are for `portvakt dev`, such as which client to register.
 */
export async function startPortvakt(...args) {
  const folder = mkdtempSync(join(tmpdir(), 'portvakt-'))
  const [readyFile, logFile] = [join(folder, 'ready.json'), join(folder, 'log')]
  const log = openSync(logFile, 'w')
  const child = spawn(
    process.env.PORTVAKT ?? 'portvakt',
    ['dev', '--listen', '0', '--ready-file', readyFile, ...args],
    { stdio: ['ignore', log, log] },
  )
  closeSync(log)
  let why
  const ended = new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve(`it ended with ${signal ?? code}`))
    child.once('error', (error) => resolve(error.message))
  }).then((reason) => { why = reason })

  const end = () => child.kill()
  // A runner that gives up on a test sends SIGTERM, at which Node would leave without its 'exit' event.
  const leave = () => process.exit(143)
  process.once('exit', end).once('SIGTERM', leave)
  const stop = async () => {
    end()
    const lastResort = setTimeout(() => child.kill('SIGKILL'), 10_000)
    await ended
    clearTimeout(lastResort)
    process.off('exit', end).off('SIGTERM', leave)
    rmSync(folder, { recursive: true, force: true })
  }

  const deadline = Date.now() + PATIENCE
  while (!existsSync(readyFile)) {
    if (why || Date.now() > deadline) {
      const told = `Portvakt did not get ready (${why ?? 'it takes too long'}):\n${readFileSync(logFile, 'utf8')}`
      await stop()
      throw new Error(told)
    }
    await sleep(20)
  }
  return { ...JSON.parse(readFileSync(readyFile, 'utf8')), stop }
}

/**
 * Logs a person in without a page.
 *
 * `request` is the authorization request, as your service redirects a browser to it; `level` is the acr to log in at, in the
 * issuer's words. Answers where the browser is sent then: the redirect URI with the code, or with the error.
 */
export async function logIn(request, pid, level) {
  const url = new URL(request)
  url.searchParams.set('login_hint', `testid:${pid}_${level}`)
  const answer = await fetch(url, { redirect: 'manual' })
  const location = answer.headers.get('location')
  if (location === null) throw new Error(`No redirect, but ${answer.status}:\n${await answer.text()}`)
  return new URL(location, url)
}
