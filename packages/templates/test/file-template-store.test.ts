import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, describe, test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { allEntries, createFileTemplateStore, encodeEntry, entryField, type TemplateStore } from '../src/index.ts'
import { storedOptions, storedTemplate } from './support/entries.ts'
import { entriesOfVersion1, scopeOfVersion1 } from './support/entries-v1.ts'
import { describeStore } from './support/store-contract.ts'

const folder = mkdtempSync(join(tmpdir(), 'weir-templates-'))
after(() => rmSync(folder, { recursive: true, force: true }))
let files = 0
const newPath = (): string => join(folder, `${++files}`, 'templates.db')

async function started(path: string, onQuarantine?: (path: string, reason: string) => void): Promise<TemplateStore> {
  const store = createFileTemplateStore({ path, flushMs: 10, onQuarantine })
  await store.start()
  return store
}

describeStore('file', () => createFileTemplateStore({ path: newPath(), flushMs: 5 }))

describe('a file store', () => {
  test('gives a later process what an earlier one put', async () => {
    const path = newPath()
    const first = await started(path)
    first.put([storedTemplate(), storedOptions()])
    await first.close()
    const second = await started(path)
    assert.deepEqual(new Set(await allEntries(second)), new Set([storedTemplate(), storedOptions()]))
    await second.close()
  })

  test('writes by itself, in the background', async () => {
    const path = newPath()
    const store = await started(path)
    store.put([storedTemplate()])
    assert.equal(store.stats.unflushed, 1)
    const reader = new DatabaseSync(path)
    const count = reader.prepare('SELECT count(*) AS n FROM place_entries')
    while ((count.get() as { n: number }).n === 0) await new Promise(resolve => setImmediate(resolve))
    reader.close()
    await store.close()
  })

  test('has after kill -9 what was flushed before it', async () => {
    const path = newPath()
    const script = `
      import { createFileTemplateStore } from ${JSON.stringify(new URL('../src/index.ts', import.meta.url).href)}
      const store = createFileTemplateStore({ path: ${JSON.stringify(path)} })
      await store.start()
      store.put([${JSON.stringify(storedTemplate())}])
      await store.flush()
      process.kill(process.pid, 'SIGKILL')`
    const signal = await new Promise(resolve =>
      execFile(process.execPath, ['--input-type=module', '-e', script], error => resolve(error?.signal))
    )
    assert.equal(signal, 'SIGKILL')
    const store = await started(path)
    assert.deepEqual(await allEntries(store), [storedTemplate()])
    await store.close()
  })

  test('renames a damaged file aside, counts it and begins a new one', async () => {
    const path = newPath()
    const first = await started(path)
    first.put([storedTemplate()])
    await first.close()
    writeFileSync(path, 'this is no database, and longer than a header of SQLite is'.repeat(100))
    const seen: string[] = []
    const second = await started(path, aside => seen.push(aside))
    second.put([storedTemplate({ templateId: 400 })])
    assert.deepEqual((await allEntries(second)).length, 1)
    assert.equal(second.stats.quarantined, 1)
    await second.close()
    assert.equal(seen.length, 1)
    assert.ok(readdirSync(join(path, '..')).some(name => name.includes('.damaged-')))
  })

  test('renames a file of another version aside', async () => {
    const path = newPath()
    const first = await started(path)
    await first.close()
    const database = new DatabaseSync(path)
    database.exec('PRAGMA user_version = 99')
    database.close()
    const second = await started(path)
    assert.equal(second.stats.quarantined, 1)
    await second.close()
  })

  test('takes over what a file of version 1 has, but for what stands under a key that is not its own', async () => {
    const path = newPath()
    mkdirSync(join(path, '..'), { recursive: true })
    const database = new DatabaseSync(path)
    database.exec(`
      CREATE TABLE entries (key TEXT PRIMARY KEY, scope TEXT NOT NULL, value BLOB NOT NULL) WITHOUT ROWID;
      CREATE INDEX entries_by_scope ON entries (scope);
      PRAGMA user_version = 1`)
    const insert = database.prepare('INSERT INTO entries VALUES (?, ?, ?)')
    for (const { key, octets } of entriesOfVersion1) insert.run(key, scopeOfVersion1, octets)
    insert.run('t|victim|1|256', 'victim', entriesOfVersion1[0].octets)
    database.close()
    for (let times = 0; times < 2; times++) {
      const store = await started(path)
      const found = await allEntries(store)
      assert.deepEqual(
        found.map(entryField).toSorted(),
        entriesOfVersion1.map(({ entry }) => entryField(entry)).toSorted()
      )
      for (const { entry } of entriesOfVersion1) assert.ok(found.some(one => isDeepStrictEqual(one, entry)))
      assert.equal(store.stats.quarantined, 0)
      await store.close()
    }
  })

  test('leaves out a value that is damaged or stands under a key that is not its own', async () => {
    const path = newPath()
    const first = await started(path)
    first.put([storedTemplate()])
    await first.close()
    const database = new DatabaseSync(path)
    const insert = database.prepare('INSERT INTO place_entries VALUES (?, ?, ?, 0, ?)')
    insert.run('victim', 1, 't256', encodeEntry(storedTemplate({ scope: 'other' })))
    insert.run('victim', 1, 't300', encodeEntry(storedTemplate({ scope: 'victim', templateId: 301 })))
    insert.run('victim', 2, 't300', encodeEntry(storedTemplate({ scope: 'victim', templateId: 300 })))
    insert.run('damaged', 1, 't256', encodeEntry(storedTemplate()).subarray(0, 20))
    database.close()
    const second = await started(path)
    assert.deepEqual((await allEntries(second)).map(entryField), ['t256'])
    assert.deepEqual([second.stats.rejected, second.stats.codecErrors], [4, 1])
    await second.close()
  })

  test('knows a definition for a week after it was last seen', async () => {
    const path = newPath()
    const seenMs = storedTemplate().lastSeenMs
    const versionsAt = async (nowMs: number): Promise<number> => {
      const store = createFileTemplateStore({ path, clock: { nowMs: () => nowMs } })
      await store.start()
      if (nowMs === seenMs) store.put([storedTemplate()])
      const versions = await store.history(storedTemplate())
      await store.close()
      return versions.length
    }
    const weekMs = 7 * 86_400_000
    assert.deepEqual(
      [await versionsAt(seenMs), await versionsAt(seenMs + weekMs), await versionsAt(seenMs + weekMs + 1)],
      [1, 1, 0]
    )
  })

  test('keeps what it cannot write and counts the failure', async () => {
    const path = newPath()
    const store = await started(path)
    const other = new DatabaseSync(path)
    other.exec('BEGIN IMMEDIATE')
    store.put([storedTemplate()])
    await store.flush()
    assert.equal(store.stats.writeFailures >= 1, true)
    assert.equal(store.stats.unflushed, 1)
    other.exec('COMMIT')
    other.close()
    await store.flush()
    assert.equal(store.stats.unflushed, 0)
    await store.close()
  })
})
