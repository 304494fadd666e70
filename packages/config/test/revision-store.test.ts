import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { openRevisions, resolveConfig } from '../src/index.ts'
import type { NewRevision } from '../src/index.ts'

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'weir-revisions-'))
})
after(() => rm(folder, { recursive: true, force: true }))

const numbered = (port: number): NewRevision => {
  const { config, baseHash } = resolveConfig({ coordinator: { port } })
  return { author: 'me', reason: `port ${port}`, atMs: port, baseHash, document: config }
}

test('revisions are numbered from 0, listed newest first, and found again by another process', async () => {
  const stateDir = join(folder, 'new', 'state')
  const store = openRevisions(stateDir)
  assert.equal(await store.head(), undefined)
  for (let port = 1; port <= 5; port++) assert.equal((await store.append(numbered(port), port - 2)).number, port - 1)
  const other = openRevisions(stateDir)
  assert.deepEqual(await other.head(), await store.head())
  const { items, total } = await other.list(1, 2)
  assert.deepEqual([items.map(({ number }) => number), total], [[3, 2], 5])
  assert.ok(!('document' in items[0]!))
  assert.equal((await other.get(2))!.document.coordinator.port, 3)
  assert.equal(await other.get(5), undefined)
  await store.close()
  await other.close()
})

test('of two writers who have seen the same one is refused', async () => {
  const stateDir = join(folder, 'two')
  const one = openRevisions(stateDir)
  const other = openRevisions(stateDir)
  await one.append(numbered(1), -1)
  await one.append(numbered(2), 0)
  await assert.rejects(other.append(numbered(3), 0), { code: 'REVISION_CONFLICT' })
  assert.equal((await other.head())!.reason, 'port 2')
  await other.append(numbered(3), 1)
  assert.equal((await one.head())!.reason, 'port 3')
  await one.close()
  await other.close()
})

test('of very many large ones the newest are kept, and numbers go on', async () => {
  const store = openRevisions(join(folder, 'many'))
  const large = { ...numbered(1), document: { pad: 'x'.repeat(16 * 1024 * 1024) } as never }
  for (let number = 0; number < 6; number++) await store.append({ ...large, reason: `r${number}` }, number - 1)
  const { items, total } = await store.list(0, 10)
  assert.ok(total >= 1 && total < 5, `${total}`)
  assert.equal(items[0]!.number, 5)
  await store.append({ ...large, document: { pad: 'x'.repeat(70 * 1024 * 1024) } as never }, 5)
  assert.deepEqual(
    (await store.list(0, 10)).items.map(({ number }) => number),
    [6]
  )
  await store.close()
})
