import { Ajv2020 } from 'ajv/dist/2020.js'
import type { ValidateFunction } from 'ajv/dist/2020.js'
import type { Schema } from './sample.ts'

interface Content {
  readonly content?: Readonly<Record<string, { readonly schema?: Schema }>>
}

export interface Parameter {
  readonly name: string
  readonly in: string
  readonly required?: boolean
  readonly schema: Schema
}

/** One route of an OpenAPI document. */
export interface Operation {
  /** With `{name}` for a parameter. */
  readonly path: string
  /** Upper case. */
  readonly method: string
  readonly parameters: readonly Parameter[]
  /** By media type. */
  readonly bodies: Readonly<Record<string, { readonly schema?: Schema }>>
  /** By status, or `4xx`. */
  readonly responses: Readonly<Record<string, Content>>
  /** Answers with a stream that does not end. */
  readonly isStream: boolean
}

type Described = Readonly<
  Record<
    string,
    {
      readonly parameters?: readonly Parameter[]
      readonly requestBody?: Content
      readonly responses?: Readonly<Record<string, Content>>
    }
  >
>

const streams = ['text/event-stream', 'application/x-ndjson']

/** An OpenAPI document: its routes, and whether an answer is as it says. */
export class ApiDocument {
  readonly operations: readonly Operation[]
  readonly #document: object
  readonly #ajv = new Ajv2020({ strict: false, validateFormats: false })
  readonly #checks = new Map<Schema, ValidateFunction>()

  constructor(document: object) {
    this.#document = document
    this.#ajv.addSchema(document, 'api')
    const { paths } = document as { readonly paths: Readonly<Record<string, Described>> }
    this.operations = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { parameters = [], requestBody, responses = {} }]) => ({
        path,
        method: method.toUpperCase(),
        parameters,
        bodies: requestBody?.content ?? {},
        responses,
        isStream: streams.some(type => responses['200']?.content?.[type] !== undefined)
      }))
    )
  }

  readonly resolve = (ref: string): Schema => {
    const steps = ref.split('/').slice(1)
    let at: unknown = this.#document
    for (const step of steps) at = (at as Record<string, unknown>)[step.replaceAll('~1', '/').replaceAll('~0', '~')]
    return at as Schema
  }

  /** @returns what is wrong with an answer, or undefined. */
  fault({ responses }: Operation, status: number, contentType: string, text: string): string | undefined {
    const described =
      responses[status] ?? responses[`${Math.trunc(status / 100)}xx`] ?? responses[`${Math.trunc(status / 100)}XX`]
    if (described === undefined) return `status ${status} is not documented`
    const type = contentType.split(';', 1)[0]!
    if (described.content === undefined)
      return text === '' ? undefined : `status ${status} is documented without a body`
    const content = described.content[type]
    if (content === undefined) return `${status} ${type || 'without a type'} is not documented`
    if (content.schema === undefined || !/[/+]json$/.test(type)) return undefined
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch {
      return 'it is no JSON'
    }
    const check = this.#checkOf(content.schema)
    return check(value) ? undefined : this.#ajv.errorsText(check.errors)
  }

  #checkOf(schema: Schema): ValidateFunction {
    const known = this.#checks.get(schema)
    if (known !== undefined) return known
    // References lead into the document.
    const rooted = JSON.parse(JSON.stringify(schema).replaceAll('"$ref":"#/', '"$ref":"api#/')) as object
    const made = this.#ajv.compile(rooted)
    this.#checks.set(schema, made)
    return made
  }
}
