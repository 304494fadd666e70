import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Child } from './child.ts'
import { toolPath } from './debian-tools.ts'
import { until } from './until.ts'

interface Message {
  readonly id?: number
  readonly method?: string
  readonly params?: { readonly requestId?: string }
  readonly result?: { readonly result?: { readonly value?: unknown } }
  readonly error?: { readonly message: string }
}

/** A headless browser with one page, driven by the DevTools protocol. */
export class Chromium {
  readonly #child: Child
  readonly #folder: string
  readonly #waiting = new Map<number, (message: Message) => void>()
  #socket: WebSocket | undefined
  #nextId = 1
  /** What is typed where a name and a password are asked for. */
  credentials = { username: '', password: '' }
  /** Times that a page has asked for them. */
  asked = 0

  constructor(folder: string) {
    this.#folder = join(folder, 'chromium')
    this.#child = new Child('chromium', toolPath('chromium'), [
      '--headless=new',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--no-first-run',
      '--remote-debugging-port=0',
      `--user-data-dir=${this.#folder}`,
      'about:blank'
    ])
  }

  async start(): Promise<this> {
    const port = await until('the browser listens', () => this.#port())
    const list = await fetch(`http://127.0.0.1:${port}/json/list`)
    const pages = (await list.json()) as { readonly type: string; readonly webSocketDebuggerUrl: string }[]
    const socket = new WebSocket(pages.find(({ type }) => type === 'page')!.webSocketDebuggerUrl)
    await new Promise(resolve => socket.addEventListener('open', resolve, { once: true }))
    socket.addEventListener('message', ({ data }) => this.#receive(JSON.parse(String(data)) as Message))
    this.#socket = socket
    await this.#call('Fetch.enable', { handleAuthRequests: true })
    return this
  }

  async open(url: string): Promise<void> {
    await this.#call('Page.navigate', { url })
  }

  /** The value of an expression in the page. */
  async evaluate(expression: string): Promise<unknown> {
    const { result } = await this.#call('Runtime.evaluate', { expression, returnByValue: true, awaitPromise: true })
    return result?.result?.value
  }

  /** Wait until an expression is true in the page. */
  async waitFor(expression: string): Promise<void> {
    await until(`in the page: ${expression}`, async () => (await this.evaluate(expression)) === true, 30_000)
  }

  async stop(): Promise<void> {
    this.#socket?.close()
    this.#child.kill()
    await this.#child.waitForEnd()
  }

  #port(): number | undefined {
    try {
      return Number(readFileSync(join(this.#folder, 'DevToolsActivePort'), 'utf8').split('\n')[0]) || undefined
    } catch {
      return undefined
    }
  }

  #receive(message: Message): void {
    const { id, method, params } = message
    if (id !== undefined) {
      this.#waiting.get(id)?.(message)
      this.#waiting.delete(id)
    } else if (method === 'Fetch.requestPaused') {
      void this.#call('Fetch.continueRequest', { requestId: params!.requestId })
    } else if (method === 'Fetch.authRequired') {
      this.asked++
      const authChallengeResponse = { response: 'ProvideCredentials', ...this.credentials }
      void this.#call('Fetch.continueWithAuth', { requestId: params!.requestId, authChallengeResponse })
    }
  }

  #call(method: string, params: object): Promise<Message> {
    const id = this.#nextId++
    this.#socket!.send(JSON.stringify({ id, method, params }))
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, message =>
        message.error === undefined ? resolve(message) : reject(new Error(`${method}: ${message.error.message}`))
      )
    })
  }
}
