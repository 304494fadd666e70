import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ApiDocument } from './api-document.ts'
import { Dice } from './dice.ts'
import { nastyText } from './nasty.ts'
import { sampleOf } from './sample.ts'

/** A pod as the OpenAPI document of the control API describes it: any answer that the document allows, with any text in it. */
export class StandInPod {
  /** It does not answer. */
  isAway = false
  url = ''
  readonly #document: ApiDocument
  readonly #dice: Dice
  readonly #routes: readonly { readonly pattern: RegExp; readonly schema: object }[]
  #server: Server | undefined

  constructor(document: object, seed: number) {
    this.#document = new ApiDocument(document)
    this.#dice = new Dice(seed)
    this.#routes = this.#document.operations.map(({ path, method, responses }) => {
      const [answer] = Object.entries(responses).filter(([status]) => status.startsWith('2'))
      return {
        pattern: new RegExp(`^${method} ${path.replaceAll('.', String.raw`\.`).replaceAll(/\{\w+\}/g, '[^/]+')}$`),
        schema: answer?.[1].content?.['application/json']?.schema ?? {}
      }
    })
  }

  async start(): Promise<this> {
    const server = createServer((request, response) => {
      request.resume()
      if (this.isAway) return void request.socket.destroy()
      const found = this.#routes.find(({ pattern }) =>
        pattern.test(`${request.method} ${request.url!.split('?', 1)[0]}`)
      )
      response.setHeader('content-type', 'application/json')
      if (this.#dice.isOneIn(50)) response.statusCode = this.#dice.oneOf([400, 404, 409, 412, 429, 500, 503])
      const options = { dice: this.#dice, resolve: this.#document.resolve, text: nastyText }
      response.end(JSON.stringify(sampleOf(found?.schema ?? {}, options)))
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    this.#server = server
    return this
  }

  stop(): void {
    this.#server?.closeAllConnections()
    this.#server?.close()
  }
}
