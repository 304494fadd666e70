import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { openRevisions, resolveConfig } from '../src/index.ts'
import type { NewRevision } from '../src/index.ts'
import { describeRevisions } from '../../../test/support/revision-contract.ts'

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'weir-revisions-'))
})
after(() => rm(folder, { recursive: true, force: true }))

let contracts = 0

const numbered = (port: number): NewRevision => {
  const { config, baseHash } = resolveConfig({ coordinator: { port } })
  return { author: 'me', reason: `port ${port}`, atMs: port, baseHash, document: config }
}

describeRevisions('sqlite', () => {
  const stateDir = join(folder, `contract-${++contracts}`, 'state')
  return [openRevisions(stateDir), openRevisions(stateDir)]
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
