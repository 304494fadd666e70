import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { resolveConfig, type NatsStore, type RedisStore } from '@weir/config'
import { ConfigError } from '@weir/runtime'
import { readStoreFiles } from '../src/index.ts'

const folder = mkdtempSync(join(tmpdir(), 'weir-store-files-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}

const storeOf = (templates: object): RedisStore | NatsStore => {
  const store = resolveConfig({ stores: { templates } }).config.stores.templates
  assert.ok(store.type !== 'none')
  return store
}

const readOf = (store: RedisStore | NatsStore) => readStoreFiles(store, 'stores.templates')

test('reads keys and passwords without the ends of lines, and PEM files whole', () => {
  const files = readOf(
    storeOf({
      type: 'redis',
      keyFile: file('key', `${'k'.repeat(32)}\r\n`),
      passwordFile: file('password', 'a b \n'),
      tls: { caFile: file('ca.pem', 'CA\n'), serverName: 'redis.example.org' }
    })
  )
  assert.equal(Buffer.from(files.hmacKey!).toString(), 'k'.repeat(32))
  assert.equal(files.password, 'a b ')
  assert.deepEqual(files.tls, { ca: 'CA\n', cert: undefined, key: undefined, serverName: 'redis.example.org' })
  const nats = readOf(storeOf({ type: 'nats', credentialsFile: file('creds', 'CREDS') }))
  assert.equal(Buffer.from(nats.credentials!).toString(), 'CREDS')
  assert.deepEqual([nats.hmacKey, nats.password, nats.tls], [undefined, undefined, undefined])
})

test('names every file that cannot be read, is empty, or holds too short a key', () => {
  const store = storeOf({
    type: 'redis',
    keyFile: file('short', 'secret\n'),
    passwordFile: join(folder, 'absent'),
    tls: { caFile: file('empty', '') }
  })
  assert.throws(
    () => readOf(store),
    (error: unknown) => {
      assert.ok(error instanceof ConfigError)
      assert.equal(error.exitCode, 78)
      assert.deepEqual(
        error.issues.map(({ path }) => path),
        ['stores.templates.keyFile', 'stores.templates.passwordFile', 'stores.templates.tls.caFile']
      )
      return true
    }
  )
})
