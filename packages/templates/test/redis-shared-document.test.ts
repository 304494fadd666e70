import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { absent } from '../../../test/support/debian-tools.ts'
import { RedisServer } from '../../../test/support/redis-server.ts'
import { RedisSharedDocument } from '../src/redis.ts'

const skip = absent('redis-server', 'redis-cli')
const isText = (value: unknown): value is string => typeof value === 'string'

async function opened(
  t: TestContext,
  server: RedisServer,
  hmacKey: Uint8Array | null = Buffer.alloc(32, 3)
): Promise<RedisSharedDocument<string>> {
  const times = { timeoutMs: 5_000, connectTimeoutMs: 10_000 }
  const document = new RedisSharedDocument({
    ...times,
    mode: 'single',
    nodes: [server],
    prefix: 'weir',
    name: 'note',
    hmacKey: hmacKey ?? undefined,
    isRight: isText
  })
  t.after(() => document.close())
  await document.start()
  return document
}

test('who has seen the last one writes; who has not is refused, and loses nothing of the other', { skip }, async t => {
  const server = await RedisServer.start()
  const [one, other] = [await opened(t, server), await opened(t, server)]
  assert.deepEqual(await one.look(), { version: 0, value: undefined })
  await one.write('a', 0)
  await assert.rejects(other.write('b', 0), { code: 'DOCUMENT_CONFLICT' })
  assert.deepEqual(await other.look(), { version: 1, value: 'a' })
  const outcomes = await Promise.allSettled([one.write('c', 1), other.write('d', 1)])
  assert.deepEqual(outcomes.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected'])
  const last = (await one.look())!
  assert.deepEqual([last.version, last], [2, await other.look()])
  // Lost, and written again as later than all that was seen.
  await server.command('flushall')
  assert.equal((await other.look())!.version, 0)
  await other.write(last.value!, 0, 3)
  assert.deepEqual(await one.look(), { version: 3, value: last.value })
})

test('an older value, one of another form and one without the key are not taken', { skip }, async t => {
  const server = await RedisServer.start()
  const document = await opened(t, server)
  await document.write('a', 0)
  await server.command('copy', 'weir:{note}:document', 'weir:{note}:old')
  await document.write('b', 1)
  // The old octets under the new number.
  await server.command('copy', 'weir:{note}:old', 'weir:{note}:document', 'replace')
  await server.command('hset', 'weir:{note}:document', 'version', '3')
  const reader = await opened(t, server)
  assert.equal(await reader.look(), undefined)
  const liar = await opened(t, server, null)
  await server.command('del', 'weir:{note}:document')
  await (liar as RedisSharedDocument<unknown>).write('forged', 0)
  assert.equal(await reader.look(), undefined)
  await server.command('del', 'weir:{note}:document')
  await (document as RedisSharedDocument<unknown>).write({ no: 'text' }, 0)
  assert.equal(await reader.look(), undefined)
})
