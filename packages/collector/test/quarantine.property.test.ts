import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { checkLedger } from '../src/index.ts'
import { feed } from './support/feed.ts'
import { RestlessExporter } from './support/restless-exporter.ts'
import { droppedIn } from '../src/ledger.ts'
import { startRig, type Rig } from './support/rig.ts'

const SEEDS = Number(process.env.WEIR_PROPERTY_SEEDS ?? 60)

interface Outcome {
  readonly decoded: number
  readonly sets: number
}

/** One exporter of its own address sends; what the link was given is compared with what the exporter meant. */
function follow(rig: Rig, seed: number, version: 9 | 10): Outcome {
  const exporter = new RestlessExporter(seed, version)
  const address = `10.${version}.${Math.trunc(seed / 250)}.${1 + (seed % 250)}`
  rig.link.entries.length = 0
  for (const octets of exporter.run(4)) feed(rig, octets, 40_000, address)
  for (const { hex, layout, isState } of rig.link.entries) {
    if (isState) continue
    const meant = exporter.truth.get(hex)
    assert.equal(layout.key, meant, `seed ${seed}: ${hex} was decoded by a definition that was not its own`)
  }
  return { decoded: rig.link.entries.length, sets: exporter.sets }
}

describe('F-54 TH-02 D15 a restless exporter: restarts, ids given anew, odd Sets, over a network that loses, doubles and swaps', () => {
  for (const version of [9, 10] as const) {
    test(`version ${version}: no record is ever decoded by a definition that was not its own, and every Set is counted`, async t => {
      const rig = await startRig(t, {
        limits: { pendingSetsPerSession: 100_000, pendingTemplateIdsPerSession: 65_280 }
      })
      const { ledger, quarantine } = rig.collector.parts
      let decoded = 0
      let sets = 0
      for (let seed = 1; seed <= SEEDS; seed++) {
        const outcome = follow(rig, seed, version)
        decoded += outcome.decoded
        sets += outcome.sets
        assert.deepEqual(checkLedger(ledger), [])
        assert.equal(ledger.dataSets.pending, 0, `seed ${seed}: something still waits though all was announced`)
      }
      const { dropped } = ledger.dataSets
      assert.ok(quarantine.counts.sets > SEEDS, 'there was something to doubt')
      assert.ok(decoded > 0.8 * sets, `${decoded} of ${sets} Sets were decoded, ${droppedIn(dropped)} dropped`)
    })
  }
})
