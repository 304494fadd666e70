import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hashOf, resolveConfig } from '@weir/config'
import type { NewRevision, RevisionStore } from '@weir/config'

export const revisionOf = (port: number): NewRevision => {
  const { config, baseHash } = resolveConfig({ coordinator: { port } })
  return { author: 'me', reason: `port ${port} \u{1F300}`, atMs: port + 0.5, baseHash, document: config }
}

/**
 * What every store of revisions does.
 *
 * @param open - two that are the same, as two processes have it, with nothing in it.
 */
export function describeRevisions(
  name: string,
  open: () => readonly [RevisionStore, RevisionStore] | Promise<readonly [RevisionStore, RevisionStore]>
): void {
  test(`${name}: revisions are numbered from 0, listed newest first, and found again by another process`, async () => {
    const [store, other] = await open()
    assert.equal(await store.head(), undefined)
    assert.deepEqual(await store.list(0, 10), { items: [], total: 0 })
    for (let port = 1; port <= 5; port++) {
      const { number, hash } = await store.append(revisionOf(port), port - 2)
      assert.deepEqual([number, hash], [port - 1, hashOf(revisionOf(port).document)])
    }
    assert.deepEqual(await other.head(), await store.head())
    const { items, total } = await other.list(1, 2)
    assert.deepEqual([items.map(({ number }) => number), total], [[3, 2], 5])
    assert.ok(!('document' in items[0]!))
    assert.deepEqual(
      (await other.list(4, 10)).items.map(({ number }) => number),
      [0]
    )
    assert.deepEqual((await other.list(5, 10)).items, [])
    const { number: _number, hash: _hash, ...found } = (await other.get(2))!
    assert.deepEqual({ ...found, fleet: undefined }, { ...revisionOf(3), fleet: undefined })
    assert.equal(await other.get(5), undefined)
    await store.close()
    await other.close()
  })

  test(`${name}: of two writers who have seen the same one is refused, however close they are`, async () => {
    const [one, other] = await open()
    await one.append(revisionOf(1), -1)
    for (let round = 0; round < 10; round++) {
      const writers = [one.append(revisionOf(2), round), other.append(revisionOf(3), round)]
      const outcomes = await Promise.allSettled(writers)
      assert.deepEqual(outcomes.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected'])
      const [lost] = outcomes.filter(outcome => outcome.status === 'rejected')
      assert.equal((lost!.reason as { code: string }).code, 'REVISION_CONFLICT')
      const [won] = outcomes.flatMap(outcome => (outcome.status === 'fulfilled' ? [outcome.value] : []))
      assert.equal((await other.head())!.hash, won!.hash)
    }
    await assert.rejects(other.append(revisionOf(3), -1), { code: 'REVISION_CONFLICT' })
    assert.equal((await one.list(0, 1)).total, 11)
    await one.close()
    await other.close()
  })
}
