import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { CertificateAuthority } from '../../../test/support/certificates.ts'
import { absent } from '../../../test/support/debian-tools.ts'
import { RedisServer } from '../../../test/support/redis-server.ts'
import { until } from '../../../test/support/until.ts'
import { allEntries } from '../src/index.ts'
import { shelvedSet, storedOptions, storedSequence, storedTemplate } from './support/entries.ts'
import { fixedClock } from './support/fixed-clock.ts'
import { placesOf, started, templatesOf } from './support/redis-fixture.ts'

const skip = absent('redis-server', 'redis-cli')
const noOpenssl = absent('openssl')

describe('what stands in Redis', { skip }, () => {
  const keysOf = async (server: RedisServer, pattern: string): Promise<string[]> =>
    (await server.command('keys', pattern)).split('\n').filter(key => key !== '')
  const leftMs = async (server: RedisServer): Promise<number> => {
    const [key] = await keysOf(server, '*:e')
    return Number(await server.command('pttl', key))
  }
  const isAbout = (ms: number, expectedMs: number): boolean => ms <= expectedMs && ms > expectedMs - 60_000

  test('D8 ends with the longest lifetime of its templates, which a refresh prolongs and nothing shortens', async t => {
    const server = await RedisServer.start()
    const store = await started(t, { mode: 'single', nodes: [server] })
    const lastSeenMs = fixedClock.nowMs() - 600_000
    store.put([storedTemplate({ lastSeenMs, lifetimeMs: 7_200_000 })])
    await store.flush()
    assert.ok(isAbout(await leftMs(server), 6_600_000))
    store.put([
      storedTemplate({ templateId: 300, lastSeenMs: fixedClock.nowMs(), lifetimeMs: 1_800_000 }),
      storedOptions()
    ])
    await store.flush()
    assert.ok(isAbout(await leftMs(server), 6_600_000))
    store.put([storedTemplate({ lastSeenMs: fixedClock.nowMs(), lifetimeMs: 7_200_000 })])
    await store.flush()
    assert.ok(isAbout(await leftMs(server), 7_200_000))
  })

  test('ends after thirty days however long its lifetime is said to be', async t => {
    const server = await RedisServer.start()
    const store = await started(t, { mode: 'single', nodes: [server] })
    store.put([storedTemplate({ lifetimeMs: Infinity })])
    await store.flush()
    assert.ok(isAbout(await leftMs(server), 2_592_000_000))
  })

  test('D8 options and sequence numbers alone end an hour after they were last said', async t => {
    const server = await RedisServer.start()
    const store = await started(t, { mode: 'single', nodes: [server] })
    store.put([storedSequence(), storedOptions()])
    await store.flush()
    assert.ok(isAbout(await leftMs(server), 3_600_000))
  })

  test('leaves the index when it has ended; its history stays for a week', async t => {
    const server = await RedisServer.start()
    const store = await started(t, { mode: 'single', nodes: [server] })
    store.put([storedTemplate(), storedTemplate({ odid: 2 })])
    await store.flush()
    const indexed = async (): Promise<number> => {
      const counts = await Promise.all((await keysOf(server, '*:seen')).map(key => server.command('zcard', key)))
      return counts.reduce((sum, count) => sum + Number(count), 0)
    }
    assert.equal(await indexed(), 2)
    for (const key of await keysOf(server, '*:e')) await server.command('del', key)
    assert.deepEqual(await allEntries(store), [])
    await until('the index is tidy', async () => (await indexed()) === 0)
    assert.equal((await store.history(storedTemplate())).length, 1)
    const [versions] = await keysOf(server, '*:v')
    assert.ok(isAbout(Number(await server.command('pttl', versions)), 604_800_000))
  })

  test('is read in one round trip, however many places are asked for, and written in few', async t => {
    const server = await RedisServer.start()
    const store = await started(t, { mode: 'single', nodes: [server], tendMs: 60_000 })
    const entries = templatesOf(640)
    store.put(entries)
    await store.flush()
    // A script that the server has not seen takes one more.
    await store.read(placesOf(entries))
    const { roundTrips } = store.stats
    await store.read(placesOf(entries))
    assert.equal(store.stats.roundTrips - roundTrips, 1)
    store.put(entries)
    await store.flush()
    assert.equal(store.stats.roundTrips - roundTrips, 11)
  })
})

describe('a Redis that asks who one is', { skip }, () => {
  test('is used with its password, and is down without', async t => {
    const server = await RedisServer.start('requirepass secret')
    const with_ = await started(t, { mode: 'single', nodes: [server], password: 'secret' })
    assert.equal(with_.health, 'up')
    const without = await started(t, { mode: 'single', nodes: [server], password: 'wrong', connectTimeoutMs: 200 })
    assert.equal(without.health, 'down')
    assert.deepEqual((await without.read([storedTemplate()]))[0].entries, [])
  })

  test('is asked over TLS, with a certificate of its own and one that is asked for', { skip: noOpenssl }, async t => {
    const authority = new CertificateAuthority()
    const { certFile, keyFile } = authority.issue('redis.example')
    const server = await RedisServer.start(
      'tls-port',
      `tls-ca-cert-file ${authority.caFile}`,
      `tls-cert-file ${certFile}`,
      `tls-key-file ${keyFile}`
    )
    const [cert, key] = [certFile, keyFile].map(file => readFileSync(file, 'utf8'))
    const tls = { ca: authority.caPem, cert, key, serverName: 'redis.example' }
    const store = await started(t, { mode: 'single', nodes: [server], tls })
    store.put([storedTemplate()])
    await store.flush()
    assert.equal((await allEntries(store)).length, 1)
    const other = { ...tls, serverName: 'other.example' }
    const failures: string[] = []
    const wary = await started(t, {
      mode: 'single',
      nodes: [server],
      tls: other,
      connectTimeoutMs: 300,
      onFailure: error => failures.push(error.message)
    })
    assert.equal(wary.health, 'down')
    assert.match(failures[0], /other\.example/)
  })

  test('needs no more than the access list that the README names', async t => {
    const server = await RedisServer.start()
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
    const [, commands] = /access list: `([^`]+)`/.exec(readme)!
    await server.command('acl', 'setuser', 'weir', 'on', '>secret', ...commands.split(' '), '~weir:*', '&weir:*')
    const store = await started(t, { mode: 'single', nodes: [server], username: 'weir', password: 'secret' })
    const told = { isTold: false }
    const other = await started(t, { mode: 'single', nodes: [server] })
    store.watch(() => (told.isTold = true))
    store.put([storedTemplate()])
    await store.flush()
    other.put([storedTemplate({ odid: 2 })])
    await until('it is told of a change', () => told.isTold)
    assert.equal((await allEntries(store)).length, 2)
    assert.equal((await store.history(storedTemplate())).length, 1)
    assert.equal(await store.shelf!.put([shelvedSet()], 'a'), 1)
    const claim = await store.shelf!.claim(shelvedSet(), shelvedSet().templateId, 'a')
    assert.equal(await claim.done(), true)
    assert.equal(store.stats.backendErrors, 0)
  })

  test('keeps databases apart', async t => {
    const server = await RedisServer.start()
    const first = await started(t, { mode: 'single', nodes: [server], database: 1 })
    const second = await started(t, { mode: 'single', nodes: [server], database: 2 })
    first.put([storedTemplate()])
    await first.flush()
    assert.deepEqual(await allEntries(second), [])
    assert.equal((await allEntries(first)).length, 1)
  })
})
