import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { PendingShelf, ShelvedSet, TemplateStore } from '../../src/index.ts'
import { shelvedSet } from './entries.ts'

/** Options of a store that bound its shelf. */
export interface ShelfBounds {
  readonly shelfOctetsTotal?: number
  readonly shelfOctetsPerPlace?: number
  readonly shelfKeepMs?: number
  readonly leaseMs?: number
}

const place = { scope: shelvedSet().scope, odid: shelvedSet().odid }
const { templateId } = shelvedSet()
const numbered = (count: number, changes: Partial<ShelvedSet> = {}): ShelvedSet[] =>
  Array.from({ length: count }, (_, sequence) => shelvedSet({ sequence, ...changes }))
const sequences = (sets: readonly ShelvedSet[]): number[] => sets.map(({ sequence }) => sequence)

/**
 * What every shelf of Data Sets does.
 *
 * @param makePair - two stores on one server, as two pods have them.
 */
export function describeShelf(
  name: string,
  makePair: (bounds: ShelfBounds) => readonly [TemplateStore, TemplateStore]
): void {
  async function withShelves(
    bounds: ShelfBounds,
    use: (ours: PendingShelf, theirs: PendingShelf) => Promise<void>
  ): Promise<void> {
    const pair = makePair(bounds)
    await Promise.all(pair.map(store => store.start()))
    try {
      await use(pair[0].shelf!, pair[1].shelf!)
    } finally {
      await Promise.all(pair.map(store => store.close()))
    }
  }

  describe(`${name}: the contract of a shelf`, () => {
    test('gives each Set to one claimer alone, whole, in the order they were put', () =>
      withShelves({}, async (ours, theirs) => {
        const sets = [...numbered(5), shelvedSet({ templateId: 999, sequence: 77 })]
        assert.equal(await ours.put(sets, 'batch'), 6)
        const claims = await Promise.all([ours.claim(place, templateId, 'a'), theirs.claim(place, templateId, 'b')])
        const claimed = claims.find(claim => claim.sets.length > 0)!
        assert.deepEqual(claims.map(claim => claim.sets.length).toSorted(), [0, 5])
        assert.deepEqual(claimed.sets, sets.slice(0, 5))
        assert.equal(await claimed.done(), true)
        assert.equal(await claimed.done(), true)
        assert.deepEqual((await theirs.claim(place, templateId, 'b')).sets, [])
        assert.deepEqual(sequences((await theirs.claim(place, 999, 'b')).sets), [77])
      }))

    test('gives a claim that was not done to another one when its lease is over, and then to that one alone', () =>
      withShelves({ leaseMs: 100 }, async (ours, theirs) => {
        await ours.put(numbered(3), 'batch')
        const dead = await ours.claim(place, templateId, 'a')
        assert.equal(dead.sets.length, 3)
        let again = await theirs.claim(place, templateId, 'b')
        while (again.sets.length === 0) {
          await nextTurn()
          again = await theirs.claim(place, templateId, 'b')
        }
        assert.deepEqual(again.sets, dead.sets)
        assert.equal(await dead.done(), false)
        assert.equal(await again.done(), true)
      }))

    test('has a batch once that was put twice, also after it was claimed', () =>
      withShelves({}, async (ours, theirs) => {
        assert.equal(await ours.put(numbered(3), 'batch'), 3)
        assert.equal(await ours.put(numbered(3), 'batch'), 3)
        const claim = await theirs.claim(place, templateId, 'b')
        assert.equal(claim.sets.length, 3)
        await claim.done()
        assert.equal(await ours.put(numbered(3), 'batch'), 3)
        assert.deepEqual((await theirs.claim(place, templateId, 'b')).sets, [])
      }))

    test('takes the first ones up to the octets of a place, and more when some were claimed', () =>
      withShelves({ shelfOctetsPerPlace: 10_000 }, async (ours, theirs) => {
        const sets = numbered(10, { octets: new Uint8Array(3_000) })
        assert.equal(await ours.put(sets, 'a'), 3)
        assert.equal(await theirs.put(sets.slice(3), 'b'), 0)
        assert.equal(await ours.put([shelvedSet({ odid: 99, octets: new Uint8Array(3_000) })], 'c'), 1)
        const claim = await theirs.claim(place, templateId, 'b')
        assert.deepEqual(sequences(claim.sets), [0, 1, 2])
        assert.equal(await ours.put(sets.slice(3), 'd'), 0)
        await claim.done()
        assert.equal(await ours.put(sets.slice(3), 'd'), 3)
      }))
  })
}
