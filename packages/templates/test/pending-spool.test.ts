import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, describe, test } from 'node:test'
import { PendingSpool, type HeldReason, type PendingSpoolOptions, type WaitingSet } from '../src/index.ts'

const folder = mkdtempSync(join(tmpdir(), 'weir-pending-spool-'))
after(() => rmSync(folder, { recursive: true, force: true }))
let files = 0
const newPath = (): string => join(folder, `${++files}`, 'pending-0.db')

const scope = 'udp/9/nf/192.0.2.1/2055'
const set = (value: number, more: Partial<WaitingSet> = {}): WaitingSet => ({
  scope,
  odid: 1,
  templateId: 256,
  version: 9,
  exportTimeSec: 100,
  sequence: value,
  receivedAtMs: 1000,
  bootTimeMs: 5,
  octets: Uint8Array.of(value, 0, 0, 0),
  transport: 'udp',
  address: '192.0.2.1',
  port: 2055,
  listener: 'nf',
  held: '',
  ...more
})

interface Opened {
  readonly spool: PendingSpool
  readonly dropped: string[]
  readonly found: number
}

function open(path: string, options: Partial<PendingSpoolOptions> = {}): Opened {
  const dropped: string[] = []
  const spool = new PendingSpool(
    { path, octets: 1 << 20, octetsPerPlace: 1 << 20, keepMs: 60_000, ...options },
    (address, reason) => dropped.push(`${address} ${reason}`)
  )
  return { spool, dropped, found: spool.open() }
}

const values = (sets: readonly WaitingSet[]): number[] => sets.map(({ octets }) => octets[0])
const takeAll = (spool: PendingSpool, templateId = 256, isAnnounced = true): number[] =>
  values(spool.take(scope, 1, templateId, isAnnounced, 1000))

describe('the spool of pending Data Sets', () => {
  test('gives back what was written, once, in order of Export Time, sequence number, arrival', () => {
    const { spool } = open(newPath())
    const written = [set(4), set(2, { exportTimeSec: 99 }), set(3), set(5, { templateId: 257 }), set(6, { odid: 2 })]
    assert.deepEqual(spool.write(written), [true, true, true, true, true])
    const taken = spool.take(scope, 1, 256, false, 1000)
    assert.deepEqual(values(taken), [2, 3, 4])
    assert.deepEqual({ ...taken[0], octets: [...taken[0].octets] }, { ...written[1], octets: [2, 0, 0, 0] })
    assert.deepEqual(takeAll(spool), [])
    assert.equal(spool.stats.sets, 2)
    spool.close()
  })

  test('is there again after kill -9, with its index, NaN and all', () => {
    const path = newPath()
    const before = open(path)
    before.spool.write([set(1, { bootTimeMs: Number.NaN }), set(2, { held: 'restart' })])
    const { spool, found } = open(path)
    assert.equal(found, 2)
    assert.deepEqual([spool.stats.octets, spool.stats.heldSets], [before.spool.stats.octets, 1])
    assert.equal(spool.index.has(scope, 1, 256, false), true)
    const [first] = spool.take(scope, 1, 256, false, 10)
    assert.equal(Number.isNaN(first.bootTimeMs), true)
    assert.deepEqual([spool.index.has(scope, 1, 256, false), spool.index.has(scope, 1, 256, true)], [false, true])
    spool.close()
    before.spool.close()
  })

  for (const held of ['restart', 'misfit'] satisfies HeldReason[]) {
    test(`gives what is in quarantine (${held}) only to an announcement`, () => {
      const { spool } = open(newPath())
      spool.write([set(1, { held })])
      assert.deepEqual(takeAll(spool, 256, false), [])
      assert.deepEqual(takeAll(spool, 256, true), [1])
      spool.close()
    })
  }

  test('takes no more than its bounds, of all and of a domain', () => {
    const { spool } = open(newPath(), { octets: 5 * 204, octetsPerPlace: 3 * 204 })
    assert.deepEqual(spool.write([set(1), set(2), set(3), set(4)]), [true, true, true, false])
    const others = [set(5, { odid: 2 }), set(6, { odid: 2 }), set(7, { odid: 3 })]
    assert.deepEqual(spool.write(others), [true, true, false])
    assert.equal(spool.hasRoom(scope, 3, 1), false)
    takeAll(spool)
    assert.deepEqual(spool.write([set(8)]), [true])
    spool.close()
  })

  test('drops what is too old, pending_expired', () => {
    const { spool, dropped } = open(newPath())
    spool.write([set(1), set(2, { receivedAtMs: 2000 })])
    assert.equal(spool.expire(61_500, 10), 1)
    assert.deepEqual(dropped, ['192.0.2.1 pending_expired'])
    assert.deepEqual(takeAll(spool), [2])
    spool.close()
  })

  test('tells a batch that was being given away from what waits, after kill -9 too', () => {
    const path = newPath()
    const first = open(path)
    first.spool.write([set(1), set(2), set(3), set(4, { held: 'misfit' })])
    assert.deepEqual(values(first.spool.beginBatch(scope, 1, 'aa', 2)), [1, 2])
    assert.deepEqual(values(first.spool.beginBatch(scope, 1, 'bb', 9)), [3])
    assert.deepEqual(takeAll(first.spool, 256, false), [])
    const { spool } = open(path)
    assert.deepEqual(
      [...spool.openBatches()].map(([token, sets]) => [token, values(sets)]),
      [
        ['aa', [1, 2]],
        ['bb', [3]]
      ]
    )
    spool.endBatch('aa', 1)
    spool.endBatch('bb', 0)
    assert.deepEqual(takeAll(spool, 256, true), [2, 3, 4])
    assert.equal(spool.stats.sets, 0)
    spool.close()
    first.spool.close()
  })

  test('drops a Data Set whose octets are not those that were written, spool_corrupt', () => {
    const path = newPath()
    const first = open(path)
    first.spool.write([set(1), set(2)])
    first.spool.close()
    const database = new DatabaseSync(path)
    database.exec("UPDATE sets SET octets = x'ff000000' WHERE sequence = 1")
    database.close()
    const { spool, dropped } = open(path)
    assert.deepEqual(takeAll(spool), [2])
    assert.deepEqual(dropped, ['192.0.2.1 spool_corrupt'])
    assert.equal(spool.stats.sets, 0)
    spool.close()
  })

  for (const [what, damage] of [
    ['is no database', (path: string) => writeFileSync(path, 'x'.repeat(9000))],
    ['is cut', (path: string) => truncateSync(path, 5000)],
    ['is of another version', (path: string) => new DatabaseSync(path).exec('PRAGMA user_version = 99')]
  ] as const) {
    test(`sets a file aside that ${what}, and begins a new one`, () => {
      const path = newPath()
      const first = open(path)
      first.spool.write([set(1)])
      first.spool.close()
      damage(path)
      const aside: string[] = []
      const { spool, found } = open(path, { onDamaged: where => aside.push(where) })
      assert.deepEqual([found, spool.stats.damaged, aside.length], [0, 1, 1])
      assert.deepEqual(spool.write([set(2)]), [true])
      assert.deepEqual(takeAll(spool), [2])
      spool.close()
      assert.ok(readdirSync(join(path, '..')).some(name => name.includes('.damaged-')))
    })
  }

  test('says so and takes nothing where it cannot write', () => {
    const path = newPath()
    const failures: string[] = []
    const { spool } = open(path, { onFailure: error => failures.push(error.message) })
    const other = new DatabaseSync(path)
    other.exec('BEGIN EXCLUSIVE')
    assert.deepEqual(spool.write([set(1)]), [false])
    assert.equal(failures.length, 1)
    other.exec('ROLLBACK')
    other.close()
    assert.deepEqual(spool.write([set(1)]), [true])
    spool.close()
  })
})
