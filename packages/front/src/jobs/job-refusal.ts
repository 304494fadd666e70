import type { Task } from '@weir/analysis'
import { allowedAt, filterIssues } from '@weir/config'
import type { TSchema } from 'typebox'
import type { TLocalizedValidationError } from 'typebox/error'

/** One thing that is wrong with a request. */
export interface RequestIssue {
  readonly path: string
  readonly message: string
  readonly allowed?: string
}

type Node = Parameters<typeof allowedAt>[0]

/** What a validator found, each place once, with what may stand there. */
export function issuesOf(
  { name, inputs: { min, max } }: Task,
  schema: TSchema,
  errors: readonly TLocalizedValidationError[]
): RequestIssue[] {
  const issues = new Map<string, RequestIssue>()
  const add = (issue: RequestIssue): void => void issues.set(`${issue.path} ${issue.message}`, issue)
  for (const error of errors) {
    const { keyword, schemaPath, instancePath } = error
    const path = `body${instancePath.replaceAll('/', '.')}`
    // A union says what is wrong for each of its variants; of plain values it is enough to list them.
    const union = /^(.*)\/anyOf\/\d+$/.exec(schemaPath)?.[1] ?? schemaPath
    const { anyOf } = nodeAt(schema, union)
    if (isInputMissing(error)) {
      const message = `is missing: ${name} needs files to work on; POST /api/v1/uploads brings one, or give it to weir ctl job run ${name} FILE`
      add({ path: 'body.input.uploads', message, allowed: `${min}..${max} ids of uploads` })
    } else if (anyOf?.every(({ type }) => type !== 'object') === true) {
      add({ path, message: 'is not allowed', allowed: allowedAt(nodeAt(schema, union)) })
    } else if (keyword === 'boolean') {
      const { properties = {} } = nodeAt(schema, schemaPath.replace(/\/additionalProperties$/, ''))
      add({ path, message: 'is no key here', allowed: Object.keys(properties).join(', ') })
    } else if (keyword === 'required') {
      const { properties = {} } = nodeAt(schema, schemaPath)
      for (const key of error.params.requiredProperties) {
        const node = properties[key]
        add({ path: `${path}.${key}`, message: 'is missing', ...(node && { allowed: allowedAt(node) }) })
      }
    } else if (keyword !== 'additionalProperties') {
      // A key too many is named by itself; that its object has one says nothing more.
      add({ path, message: error.message })
    }
  }
  return [...issues.values()]
}

function isInputMissing({ keyword, instancePath, params }: TLocalizedValidationError): boolean {
  if (instancePath === '/input/uploads') return keyword === 'minItems'
  if (keyword !== 'required') return false
  return instancePath === '/input' || (instancePath === '' && params.requiredProperties.includes('input'))
}

const nodeAt = (schema: TSchema, pointer: string): Node =>
  pointer
    .split('/')
    .slice(1)
    .reduce((node, key) => ((node as Record<string, unknown>)[key] ?? {}) as object, schema as object) as Node

/** Where parameters have a filter. That of a replay can name elements that only the configuration of its worker has. */
const filterPlaces = [['filter'], ['a', 'filter'], ['b', 'filter']]

/** What is wrong with the filters of parameters, with the place in their text. */
export const filterIssuesOf = (params: unknown): RequestIssue[] =>
  filterPlaces.flatMap(place => {
    const text = place.reduce<unknown>((node, key) => (node as Record<string, unknown> | undefined)?.[key], params)
    return typeof text === 'string' ? filterIssues(text, `body.params.${place.join('.')}`, []) : []
  })
