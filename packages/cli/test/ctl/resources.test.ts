import assert from 'node:assert/strict'
import { test } from 'node:test'
import { resolveConfig } from '@weir/config'
import { createCoordinator } from '@weir/coordinator'
import { createFront } from '@weir/front'
import { createControlServer } from '@weir/link'
import { silentLog } from '@weir/runtime'
import { documents, resources } from '../../src/ctl/resources.ts'

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
  readonly type?: string
}

const { config, baseHash } = resolveConfig(undefined)
const control = createControlServer({ endpoint: 'ipc:///run/weir/control' })
const apis = {
  front: await createFront(config, { log: silentLog(), version: '0' }).openApi(),
  coordinator: await createCoordinator({ config, baseHash }, { control, log: silentLog(), version: '0' }).openApi()
}

/** Schema of the answer of a GET; undefined if there is no such route. */
function answerOf(api: keyof typeof apis, path: string): Schema | undefined {
  const operation = (apis[api].paths as Record<string, Record<string, unknown>>)[path]?.get as
    | { responses: Record<string, { content: Record<string, { schema: Schema }> }> }
    | undefined
  return operation?.responses['200']?.content['application/json']?.schema
}

function has(schema: Schema | undefined, path: readonly string[]): boolean {
  const [key, ...rest] = path
  if (schema === undefined || key === undefined) return schema !== undefined
  if (key === 'length' && schema.type === 'array') return true
  return (schema.anyOf ?? [schema]).some(each => has(each.properties?.[key], rest))
}

for (const api of ['front', 'coordinator'] as const) {
  for (const [name, resource] of Object.entries(resources)) {
    const path = resource[api]
    if (path === undefined) continue
    test(`every column of ${name} is in what the ${api} answers`, () => {
      const entry = answerOf(api, path)?.properties?.items?.items
      assert.ok(entry !== undefined, `${path} is no list`)
      // A pod does not say who it is.
      const wanted = resource.columns.filter(([, at]) => api === 'front' || at !== 'pod')
      assert.deepEqual(
        wanted.map(([, at]) => at).filter(at => !has(entry, at.split('.'))),
        []
      )
    })
  }
  test(`every document of the ${api} is there`, () => {
    const paths = Object.values(documents).flatMap(each => each[api] ?? [])
    assert.deepEqual(
      paths.filter(path => answerOf(api, path) === undefined),
      []
    )
  })
}

test('what an API has no route for, by id, is searched in its list, by a key that is shown there', () => {
  for (const [name, resource] of Object.entries(resources)) {
    for (const api of ['front', 'coordinator'] as const) {
      const path = resource[api]
      // Pending sets have no id; /api/v1/templates/{scope} is a group, not an entry.
      if (path === undefined || name === 'pending') continue
      const hasRoute = Object.keys(apis[api].paths as object).some(
        each => each.startsWith(`${path}/{`) && each.endsWith('}') && !each.endsWith('/{scope}')
      )
      assert.equal(resource.searched?.includes(api) ?? false, !hasRoute, `${name} of the ${api}`)
    }
    if (resource.searched !== undefined)
      assert.ok(
        resource.columns.some(([, at]) => at === resource.key),
        name
      )
  }
})
