import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { TestContext } from 'node:test'
import { resolveConfig } from '@weir/config'
import { silentLog, systemClock } from '@weir/runtime'
import { absent } from '../../../test/support/debian-tools.ts'
import { RedisCluster, RedisServer } from '../../../test/support/redis-server.ts'
import { until } from '../../../test/support/until.ts'
import { KeyBook } from '../src/auth/key-book.ts'
import { openKeyStore } from '../src/auth/key-store.ts'

const skip = absent('redis-server', 'redis-cli')

/** Opens a book as a front does, with a folder of its own or that of another one. */
type OpenBook = (folder: string, limit?: number) => Promise<KeyBook>

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'weir-key-stores-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

const adminToken = (folder: string): string => readFileSync(join(folder, 'admin.key'), 'utf8').trim()
const namesIn = (book: KeyBook): string[] => book.list().map(({ name }) => name)

/** @param reopen - the book of another front: of the same file after this one has ended, or of the same store meanwhile. */
function describeKeys(name: string, openers: (t: TestContext) => Promise<{ open: OpenBook; reopen: OpenBook }>): void {
  test(`${name}: a key opens until it is revoked, for another front too; only hashes are kept`, async t => {
    const { open, reopen } = await openers(t)
    const folder = folderOf(t)
    const book = await open(folder)
    const admin = book.verify(adminToken(folder))!
    assert.equal(admin.role, 'admin')
    const { id, token } = await book.create('for the console', 'reader', admin.id)
    const other = await reopen(folder)
    assert.equal(other.verify(token)?.name, 'for the console')
    assert.equal(other.verify(`${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`), undefined)
    await other.revoke(id)
    const third = await reopen(folder)
    for (const each of [other, third]) assert.equal(each.verify(token), undefined)
    assert.ok(third.get(id).revokedAtMs! > 0)
    await assert.rejects(third.revoke('nobody'), /There is no key/)
  })

  test(`${name}: the last admin key stays, and there are no more keys than there may be`, async t => {
    const { open } = await openers(t)
    const book = await open(folderOf(t), 4)
    const admin = book.list()[0]!.id
    await assert.rejects(book.revoke(admin), /last key of an admin/)
    const made = await Promise.all(['a', 'b', 'c'].map(each => book.create(each, 'reader', admin)))
    await assert.rejects(book.create('d', 'reader', admin), /4 keys already/)
    await book.revoke(made[1]!.id)
    await book.create('d', 'admin', admin)
    assert.deepEqual(namesIn(book), ['admin', 'a', 'c', 'd'])
    await book.revoke(admin)
  })
}

describeKeys('a file', async t => {
  const open: OpenBook = async (stateDir, limit = 100) => {
    const book = new KeyBook({ stateDir, clock: systemClock, limit })
    t.after(() => book.close())
    await book.load()
    return book
  }
  return { open, reopen: open }
})

const keyFileIn = (folder: string): string => {
  const path = join(folder, 'hmac')
  writeFileSync(path, 'k'.repeat(40))
  return path
}

function openerOf(t: TestContext, settings: object): OpenBook {
  const prefix = `keys-${Math.random().toString(36).slice(2)}`
  const keyFile = keyFileIn(folderOf(t))
  const keys = { type: 'redis', prefix, keyFile, connectTimeoutMs: 1_000, ...settings }
  const { config } = resolveConfig({ stores: { keys } })
  return async (stateDir, limit = 100) => {
    const store = await openKeyStore(config, silentLog())
    const book = new KeyBook({ stateDir, clock: systemClock, limit, store, log: silentLog() })
    t.after(() => book.close())
    await book.load()
    return book
  }
}

const nodesOf = (servers: readonly RedisServer[]): object => ({
  nodes: servers.map(({ host, port }) => `${host}:${port}`)
})

describe('keys that fronts have in common', { skip }, () => {
  for (const [name, start] of [
    ['Redis', async () => nodesOf([await RedisServer.start()])],
    ['a Redis Cluster', async () => ({ mode: 'cluster', ...nodesOf((await RedisCluster.start()).nodes) })]
  ] as const) {
    let settings: object | undefined
    describeKeys(name, async t => {
      settings ??= await start()
      const open = openerOf(t, settings)
      return { open, reopen: () => open(folderOf(t)) }
    })
  }

  test('a key that is revoked or made at one front is so at the others within a second, and streams are told', async t => {
    const open = openerOf(t, nodesOf([await RedisServer.start()]))
    const [one, other] = [await open(folderOf(t)), await open(folderOf(t))]
    const revoked: string[] = []
    other.onRevoked(id => revoked.push(id))
    const { id, token } = await one.create('x', 'reader', 'y')
    await until('it opens there', () => other.verify(token) !== undefined, 1_000)
    await one.revoke(id)
    await until('it opens nothing there', () => other.verify(token) === undefined, 1_000)
    assert.deepEqual(revoked, [id])
    // At once, at two.
    const names = Array.from({ length: 10 }, (_, index) => `k${index}`)
    await Promise.all(names.map((name, index) => (index % 2 === 0 ? one : other).create(name, 'reader', 'y')))
    for (const book of [one, other]) {
      await until('all are there', () => names.every(name => namesIn(book).includes(name)), 1_000)
    }
  })

  test('of fronts that start together one makes the admin key', async t => {
    const open = openerOf(t, nodesOf([await RedisServer.start()]))
    const folders = Array.from({ length: 4 }, () => folderOf(t))
    const books = await Promise.all(folders.map(folder => open(folder)))
    const [winner, ...more] = folders.filter(folder => existsSync(join(folder, 'admin.key')))
    assert.equal(more.length, 0)
    for (const book of books) {
      await until('its key opens', () => book.verify(adminToken(winner!))?.role === 'admin', 1_000)
      assert.equal(book.list().length, 1)
    }
  })

  test('without the store those seen last hold, none is changed, and what it has lost is put back', async t => {
    const server = await RedisServer.start()
    const open = openerOf(t, nodesOf([server]))
    const [folder, another] = [folderOf(t), folderOf(t)]
    const book = await open(folder)
    const other = await open(another)
    const { id, token } = await book.create('x', 'operator', 'y')
    await until('it opens there', () => other.verify(token) !== undefined, 1_000)
    await server.kill()
    await assert.rejects(book.revoke(id), /store of keys does not answer/)
    assert.equal(book.verify(token)?.name, 'x')
    const restarted = await open(another)
    assert.equal(restarted.verify(token)?.name, 'x')
    await server.start()
    await until('keys can be changed again', async () =>
      book.create('z', 'reader', 'y').then(
        () => true,
        () => false
      )
    )
    for (const each of [book, other, restarted]) {
      await until('all have all', () => ['admin', 'x', 'z'].every(name => namesIn(each).includes(name)))
      assert.equal(each.verify(token)?.name, 'x')
    }
  })

  test('a list that was written without the key lets nobody in', async t => {
    const server = await RedisServer.start()
    const open = openerOf(t, { ...nodesOf([server]), prefix: 'same' })
    const liar = openerOf(t, { ...nodesOf([server]), prefix: 'same', keyFile: null })
    const book = await open(folderOf(t))
    const folder = folderOf(t)
    await server.command('del', 'same:{keys}:document')
    const forged = await liar(folder)
    const { token } = await forged.create('forged', 'admin', 'y').catch(() => ({ token: adminToken(folder) }))
    for (let looks = 0; looks < 3; looks++) await book.create('x', 'reader', 'y').catch(() => undefined)
    assert.equal(book.verify(token), undefined)
    assert.ok(!namesIn(book).includes('forged'))
  })
})
