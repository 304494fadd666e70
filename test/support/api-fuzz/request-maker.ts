import type { ApiDocument, Operation, Parameter } from './api-document.ts'
import { Dice } from './dice.ts'
import { nastyText, nastyValue } from './nasty.ts'
import { brokenOf, sampleOf } from './sample.ts'

/** A request as it goes over the wire. */
export interface MadeRequest {
  readonly operation: Operation
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
  /** Name of the credential. */
  readonly as: string
}

/** What can be in the request line or a header at all. */
const sendable = (text: string): string =>
  text
    .replaceAll(/[^\x20-\x7e]/g, '?')
    .trim()
    .slice(0, 8_000)
const unspaced = (text: string): string =>
  text.replaceAll(/[^\x21-\x7e]/g, each => encodeURIComponent(each.toWellFormed()))

/** Makes requests from an OpenAPI document: some right, most nearly so, some nothing of the kind. */
export class RequestMaker {
  /** Ids that answers have named, by the path under which they stand. */
  readonly known = new Map<string, string[]>()
  readonly #document: ApiDocument
  readonly #credentials: Readonly<Record<string, string | undefined>>
  readonly #words: readonly string[]

  /**
   * @param credentials - the value of `Authorization` by name; undefined: none.
   * @param words - text that means something here.
   */
  constructor(
    document: ApiDocument,
    credentials: Readonly<Record<string, string | undefined>>,
    words: readonly string[]
  ) {
    this.#document = document
    this.#credentials = credentials
    this.#words = words
  }

  make(seed: number): MadeRequest {
    const dice = new Dice(seed)
    const operation = dice.oneOf(this.#document.operations)
    const as = dice.isOneIn(2) ? 'admin' : dice.oneOf(Object.keys(this.#credentials))
    const authorization = this.#credentials[as]
    const isWeird = dice.isOneIn(20)
    const [type, body] = this.#bodyOf(operation, dice)
    return {
      operation,
      method:
        isWeird && dice.isOneIn(4)
          ? dice.oneOf(['PUT', 'PATCH', 'DELETE', 'POST', 'OPTIONS', 'TRACE'])
          : operation.method,
      path: this.#pathOf(operation, dice, isWeird),
      headers: {
        ...this.#headersOf(operation, dice),
        ...(type === undefined ? {} : { 'content-type': type }),
        ...(authorization === undefined ? {} : { authorization })
      },
      body,
      as
    }
  }

  /** What an answer tells of ids, for later requests. */
  learn(location: string | undefined): void {
    if (location === undefined) return
    const at = location.lastIndexOf('/')
    const path = location.slice(0, at)
    this.known.set(path, [...(this.known.get(path) ?? []).slice(-50), location.slice(at + 1)])
  }

  #pathOf({ path, parameters }: Operation, dice: Dice, isWeird: boolean): string {
    const known = this.known.get(path.slice(0, path.indexOf('/{')))
    let filled = path.replaceAll(/\{(\w+)\}/g, (_match, name: string) => {
      if (known !== undefined && dice.isOneIn(2)) return dice.oneOf(known)
      const parameter = parameters.find(each => each.in === 'path' && each.name === name)
      const text = dice.isOneIn(2) ? String(this.#valueOf(parameter, dice)) : nastyText(dice)
      return dice.isOneIn(10)
        ? unspaced(text).replaceAll(/[/?#]/g, encodeURIComponent)
        : encodeURIComponent(text.toWellFormed())
    })
    if (isWeird)
      filled = dice.oneOf([
        `${filled}/`,
        `/${filled}`,
        filled.toUpperCase(),
        `${filled}/..`,
        `${filled}%00`,
        `${filled}//x`
      ])
    const query = new URLSearchParams()
    for (const parameter of parameters) {
      if (parameter.in !== 'query' || !(parameter.required === true || dice.isOneIn(3))) continue
      query.append(
        parameter.name,
        dice.isOneIn(3) ? nastyText(dice).toWellFormed() : String(this.#valueOf(parameter, dice))
      )
      if (dice.isOneIn(20)) query.append(parameter.name, nastyText(dice).toWellFormed())
    }
    if (dice.isOneIn(20)) query.append(dice.oneOf(['x', '__proto__', 'limit[]', 'role']), 'y')
    const text = String(query)
    return text === '' ? filled : `${filled}?${text}`
  }

  #headersOf({ parameters, isStream }: Operation, dice: Dice): Record<string, string> {
    const headers: Record<string, string> = {}
    for (const parameter of parameters) {
      if (parameter.in !== 'header' || !dice.isOneIn(2)) continue
      headers[parameter.name] = sendable(dice.isOneIn(2) ? nastyText(dice) : String(this.#valueOf(parameter, dice)))
    }
    if (dice.isOneIn(10))
      headers[dice.oneOf(['if-none-match', 'if-match', 'range', 'x-forwarded-for', 'idempotency-key'])] = sendable(
        nastyText(dice)
      )
    if (dice.isOneIn(10)) headers.accept = isStream ? 'text/event-stream' : sendable(nastyText(dice))
    return headers
  }

  #bodyOf({ method, bodies }: Operation, dice: Dice): [type: string | undefined, body: string | undefined] {
    const types = Object.keys(bodies)
    if (types.length === 0)
      return method === 'GET' || !dice.isOneIn(10) ? [undefined, undefined] : ['application/json', '{}']
    if (dice.isOneIn(30)) return [undefined, undefined]
    const type = dice.oneOf(types)
    const schema = bodies[type]!.schema ?? {}
    const options = { dice, resolve: this.#document.resolve, ids: [...this.known.values()].flat().toReversed() }
    const given = dice.isOneIn(20)
      ? dice.oneOf(['text/plain', 'application/xml', 'application/json; charset=utf-16', 'x', 'multipart/form-data'])
      : type
    if (!/[/+]json$/.test(type)) {
      const value = dice.isOneIn(2) ? nastyText(dice) : sampleOf(schema, options)
      return [given, typeof value === 'string' ? value : JSON.stringify(value)]
    }
    if (dice.isOneIn(15))
      return [
        given,
        dice.oneOf(['', '{', '[', 'null', '"', '\0', `${'['.repeat(5_000)}${']'.repeat(5_000)}`, nastyText(dice)])
      ]
    const value = dice.isOneIn(2)
      ? sampleOf(schema, options)
      : dice.isOneIn(8)
        ? nastyValue(dice)
        : brokenOf(schema, options)
    return [given, JSON.stringify(value)]
  }

  #valueOf(parameter: Parameter | undefined, dice: Dice): unknown {
    return sampleOf(parameter?.schema ?? { type: 'string' }, {
      dice,
      text: each => each.oneOf(this.#words),
      resolve: this.#document.resolve
    })
  }
}
