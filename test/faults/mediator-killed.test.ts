import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { startGenerator, startReceiver } from '../support/ground-truth.ts'
import { readLedger, type CollectorLedger } from '../support/ledger.ts'
import { startWeir } from '../support/running-weir.ts'
import type { RunningWeir } from '../support/running-weir.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { until } from '../support/until.ts'

const RATE = 50_000

const decoded = async (weir: RunningWeir): Promise<number> => (await readLedger(weir.api)).collector.records.decoded

/** Killed between two Batches it would have nothing to get again: this once it is sure to have some. */
async function stopWithBatchesInHand(weir: RunningWeir): Promise<void> {
  weir.signal('mediator', 'SIGSTOP')
  // The coordinator gives the collector's part alone, as the mediator does not answer.
  const inWindow = async (): Promise<number> =>
    (await weir.api.call<{ collector: CollectorLedger }>('GET', '/v1/ledger')).body.collector.window.inWindow
  await until('a Batch is sent that is not settled', async () => (await inWindow()) > RATE / 50)
}

describe('the mediator fails while 50,000 records/s come', () => {
  test('F-10 kill -9 three times, over TCP: nothing is lost, what came twice is counted as redelivered', async () => {
    const receiver = await startReceiver('tcp')
    const weir = await startWeir(tempFolder('mediator-killed'), {
      destinations: [{ id: 'truth', type: 'ipfix', url: receiver.url, reconnectMinMs: 100, queue: { policy: 'block' } }]
    })
    const records = 8 * RATE
    const generator = startGenerator({ to: weir.tcp, records, rate: RATE })
    for (const share of [0.2, 0.45, 0.7]) {
      await until(`${share} of the records are decoded`, async () => (await decoded(weir)) > share * records, 30_000)
      if (share === 0.7) await stopWithBatchesInHand(weir)
      const awayMs = await weir.crash('mediator')
      assert.ok(awayMs < 2_000, `the mediator was away for ${awayMs} ms`)
      await weir.waitUntilReady()
    }
    assert.equal((await generator.waitForEnd(30_000)).code, 0, generator.said)
    const { collector } = await weir.checkLedger({ isFresh: false, deadlineMs: 30_000 })
    assert.equal((await weir.stop()).code, 0, weir.child.said)
    const truth = await receiver.stop()
    assert.equal(collector.records.decoded, records)
    assert.deepEqual(
      { unique: truth.unique, lost: truth.lost, malformed: truth.malformed },
      { unique: records, lost: 0, malformed: 0 }
    )
    const redelivered = collector.window.redelivered!
    assert.ok(truth.duplicates <= redelivered, `${truth.duplicates} duplicates, ${redelivered} redelivered`)
    // Three times a window of at most 64 Batches of 256 KiB, records of no fewer than 32 octets.
    assert.ok(redelivered > 0 && redelivered <= 3 * 64 * 8192, `${redelivered} redelivered`)
  })

  test('F-15 SIGSTOP for 5 s, over TCP: nothing is lost, and it goes on', async () => {
    const receiver = await startReceiver('tcp')
    const weir = await startWeir(tempFolder('mediator-stopped'), {
      destinations: [{ id: 'truth', type: 'ipfix', url: receiver.url, reconnectMinMs: 100, queue: { policy: 'block' } }]
    })
    const records = 7 * RATE
    const generator = startGenerator({ to: weir.tcp, records, rate: RATE })
    await until('records are decoded', async () => (await decoded(weir)) > RATE, 30_000)
    weir.signal('mediator', 'SIGSTOP')
    const stoppedAtMs = performance.now()
    await until('5 s have gone by', () => performance.now() - stoppedAtMs >= 5_000)
    weir.signal('mediator', 'SIGCONT')
    assert.equal((await generator.waitForEnd(30_000)).code, 0, generator.said)
    const { collector } = await weir.checkLedger({ isFresh: false, deadlineMs: 30_000 })
    assert.equal((await weir.stop()).code, 0, weir.child.said)
    const truth = await receiver.stop()
    assert.deepEqual(
      { unique: truth.unique, lost: truth.lost, malformed: truth.malformed },
      { unique: records, lost: 0, malformed: 0 }
    )
    assert.ok(
      truth.duplicates <= collector.window.redelivered!,
      `${truth.duplicates} of ${collector.window.redelivered}`
    )
  })

  test('F-11 kill -9 while they come over UDP: everything that was read arrives', async () => {
    const receiver = await startReceiver('tcp')
    const weir = await startWeir(tempFolder('mediator-killed-udp'), {
      destinations: [{ id: 'truth', type: 'ipfix', url: receiver.url, queue: { policy: 'block' } }]
    })
    const records = 4 * RATE
    const generator = startGenerator({ to: weir.udp, records, rate: RATE })
    await until('records are decoded', async () => (await decoded(weir)) > RATE, 30_000)
    await weir.crash('mediator')
    await weir.waitUntilReady()
    assert.equal((await generator.waitForEnd(30_000)).code, 0, generator.said)
    const { collector } = await weir.checkLedger({ isFresh: false, deadlineMs: 30_000 })
    assert.equal((await weir.stop()).code, 0, weir.child.said)
    const truth = await receiver.stop()
    assert.equal(truth.unique, collector.records.decoded)
    assert.equal(collector.records.decoded + collector.sequence.lost, records, JSON.stringify(collector))
    assert.ok(
      truth.duplicates <= collector.window.redelivered!,
      `${truth.duplicates} of ${collector.window.redelivered}`
    )
  })
})
