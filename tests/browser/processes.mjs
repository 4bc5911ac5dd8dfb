// The programs that a run starts: each says when it is ready, and none outlives the run.

import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

const PATIENCE = 20_000
const running = new Set()

// Whatever ends this process ends them. A signal would end it without this event, so it is made one.
process.on('exit', () => running.forEach((child) => child.kill('SIGTERM')))
for (const [signal, number] of [['SIGINT', 2], ['SIGTERM', 15], ['SIGHUP', 1]]) {
  process.once(signal, () => process.exit(128 + number))
}

/** A program that runs until it is asked to end. */
export class Program {
  #child
  #ended
  #said = []

  constructor(file, args) {
    this.name = `${file} ${args.join(' ')}`
    // The servers are on this machine: whatever proxy the environment names is not for them.
    const env = { ...process.env, NO_PROXY: 'localhost,127.0.0.1', no_proxy: 'localhost,127.0.0.1' }
    this.#child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'], env })
    running.add(this.#child)
    this.#ended = new Promise((resolve) => {
      this.#child.on('error', (why) => this.#said.push(String(why)))
      this.#child.on('close', () => {
        running.delete(this.#child)
        resolve()
      })
    })
  }

  /** The first value that `read` makes of a line on `stream`; `read` answers nothing for any other line. */
  async ready(stream, read) {
    const keep = (line) => {
      this.#said.push(line)
      if (this.#said.length > 40) this.#said.shift()
    }
    const found = new Promise((resolve) => {
      for (const name of ['stdout', 'stderr']) {
        createInterface({ input: this.#child[name] }).on('line', (line) => {
          keep(line)
          const value = name === stream ? read(line) : undefined
          if (value !== undefined) resolve(value)
        })
      }
    })
    let timer
    const late = new Promise((_, reject) => {
      const give = (why) => reject(new Error(`\`${this.name}\` ${why}:\n${this.#said.join('\n')}`))
      timer = setTimeout(give, PATIENCE, 'did not get ready')
      this.#ended.then(() => give('ended'))
    })
    late.catch(() => {})
    const value = await Promise.race([found, late])
    clearTimeout(timer)
    return value
  }

  /** Asks it to end, and waits until it has. */
  async end() {
    this.#child.kill('SIGTERM')
    await this.#ended
  }
}
