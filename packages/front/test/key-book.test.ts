import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { FakeClock } from '@weir/runtime'
import { KeyBook } from '../src/auth/key-book.ts'

function stateDir(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'weir-keys-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

const bookAt = (folder: string, limit = 100): KeyBook =>
  new KeyBook({ stateDir: folder, clock: new FakeClock(), limit })
const tokenAt = (folder: string): string => readFileSync(join(folder, 'admin.key'), 'utf8').trim()

test('the first start makes an admin key, readable for its owner only, and no file but that one holds a secret', async t => {
  const folder = stateDir(t)
  assert.deepEqual(await bookAt(folder).load(), { isAdminKeyNew: true })
  const token = tokenAt(folder)
  assert.match(token, /^wk_[0-9a-f]{16}_[A-Za-z0-9_-]{43}$/)
  for (const name of ['admin.key', 'keys.json']) assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600, name)
  assert.doesNotMatch(
    readFileSync(join(folder, 'keys.json'), 'utf8'),
    new RegExp(token.slice('wk_0123456789abcdef_'.length))
  )
  const again = bookAt(folder)
  assert.deepEqual(await again.load(), { isAdminKeyNew: false })
  assert.equal(again.verify(token)?.role, 'admin')
})

test('a key opens until it is revoked, over restarts; one octet of it changed opens nothing', async t => {
  const folder = stateDir(t)
  const book = bookAt(folder)
  await book.load()
  const { id, token } = await book.create('for the console', 'reader', 'x')
  assert.equal(book.verify(token)?.name, 'for the console')
  const last = token.at(-5) === 'A' ? 'B' : 'A'
  for (const wrong of [token.slice(0, -5) + last + token.slice(-4), token.slice(0, -1), `${token}A`, '', 'wk_', id]) {
    assert.equal(book.verify(wrong), undefined, wrong)
  }
  await book.revoke(id)
  const again = bookAt(folder)
  await again.load()
  for (const each of [book, again]) assert.equal(each.verify(token), undefined)
  assert.equal(again.list().length, 2)
  assert.ok(!('hash' in again.get(id)))
})

test('the last admin key cannot be revoked; a lost list of keys is opened by the admin key that is kept', async t => {
  const folder = stateDir(t)
  const book = bookAt(folder)
  await book.load()
  const admin = book.list()[0]!.id
  await assert.rejects(book.revoke(admin), /last key of an admin/)
  const other = await book.create('other', 'admin', admin)
  await book.revoke(admin)
  await assert.rejects(book.revoke(other.id), /last key of an admin/)
  rmSync(join(folder, 'keys.json'))
  const again = bookAt(folder)
  assert.deepEqual(await again.load(), { isAdminKeyNew: false })
  assert.equal(again.verify(tokenAt(folder))?.role, 'admin')
})

test('changes at once are all kept; one too many is refused, unless one was revoked', async t => {
  const folder = stateDir(t)
  const book = bookAt(folder, 6)
  await book.load()
  const made = await Promise.all(Array.from({ length: 5 }, (_, index) => book.create(`${index}`, 'reader', 'x')))
  await assert.rejects(book.create('one more', 'reader', 'x'), /6 keys already/)
  await book.revoke(made[2]!.id)
  await book.create('one more', 'reader', 'x')
  const again = bookAt(folder, 6)
  await again.load()
  assert.deepEqual(
    again.list().map(({ name }) => name),
    ['admin', '0', '1', '3', '4', 'one more']
  )
})

test('half a list lets nobody in: the start is refused, with what to do', async t => {
  const folder = stateDir(t)
  for (const text of [
    '[{"id":',
    '{}',
    '[{"id":"x","name":"y","role":"god","hash":"","createdAtMs":1,"revokedAtMs":null}]'
  ]) {
    writeFileSync(join(folder, 'keys.json'), text)
    await assert.rejects(bookAt(folder).load(), { exitCode: 78, message: /admin\.key then still opens/ }, text)
  }
})
