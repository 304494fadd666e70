import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configSchema, resolveConfig, variablesOf } from '../src/index.ts'

const configOf = (environment: Record<string, string>, document: unknown = {}) =>
  resolveConfig(document, { environment, localAddresses: [] }).config

test('no two keys have the same variable', () => {
  const names = variablesOf(configSchema).map(({ name }) => name)
  assert.equal(new Set(names).size, names.length)
  for (const name of ['WEIR_RUN_DIR', 'WEIR_COORDINATOR_PORT', 'WEIR_COLLECTOR_HTTP_PORT', 'WEIR_DESTINATIONS']) {
    assert.ok(names.includes(name), name)
  }
})

test('a variable goes over the file', () => {
  assert.equal(configOf({ WEIR_COORDINATOR_PORT: '81' }, { coordinator: { port: 80 } }).coordinator.port, 81)
})

test('a variable makes a section that the file turned off', () => {
  const { http } = configOf({ WEIR_COLLECTOR_HTTP_PORT: '0' }, { collector: { http: null } }).collector
  assert.deepEqual(http, { address: '127.0.0.1', port: 0 })
})

test('null turns a section off', () => assert.equal(configOf({ WEIR_MEDIATOR_HTTP: 'null' }).mediator.http, null))

test('text stays text, although it looks like a number', () => {
  assert.equal(configOf({ WEIR_STATE_DIR: '123' }).stateDir, '123')
})

test('a list is one variable of JSON', () => {
  assert.deepEqual(configOf({ WEIR_COLLECTOR_ALLOW: '["192.0.2.0/24"]' }).collector.allow, ['192.0.2.0/24'])
})

test('a variable that means nothing is a warning that names the nearest one', () => {
  const { warnings } = resolveConfig({}, { environment: { WEIR_COORDINATOR_PROT: '1', PATH: '/bin' } })
  assert.deepEqual(
    warnings.filter(warning => warning.includes('variable')),
    ['the variable WEIR_COORDINATOR_PROT sets nothing; did you mean WEIR_COORDINATOR_PORT?']
  )
})

test('the document given is not changed', () => {
  const document = { coordinator: { port: 80 } }
  configOf({ WEIR_COORDINATOR_PORT: '81' }, document)
  assert.deepEqual(document, { coordinator: { port: 80 } })
})
