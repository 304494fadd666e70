import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { CaptureDecoder, CaptureReader } from '@weir/ipfix'
import { buildMessage } from '@weir/ipfix/testing'
import { openFlows } from '../../src/index.ts'
import { formatByName } from '../../src/input/file-chunks.ts'
import { captureCases, capturesFolder, inputOf, skipCaptures } from '../support/captures.ts'
import { fileOf } from '../support/folder.ts'
import type { FlowRun } from '../../src/index.ts'

const limits = { expansion: 100, memoryOctets: 64 * 2 ** 20 }

const recordsOf = ({ octets, offset, endOffset }: FlowRun): string =>
  Buffer.from(octets.subarray(offset, endOffset)).toString('hex')

describe('openFlows', () => {
  test('gives Data Records in order, with their exporter, domain and times', async context => {
    const first = buildMessage({ odid: 7, exportTimeSec: 1_700_000_000 })
      .template(256, '4:1 2:4')
      .data(256, '0600000001')
    const second = buildMessage({ odid: 7, exportTimeSec: 1_700_000_060, sequence: 1 }).data(256, '1100000002')
    const flows = openFlows([fileOf(context, 'a.ipfix', Buffer.concat([first.octets(), second.octets()]))], { limits })
    const seen: unknown[] = []
    await flows.read({
      onRun: run =>
        seen.push([recordsOf(run), run.records, run.context.odid, run.context.exportTimeSec, run.context.version])
    })
    assert.deepEqual(seen, [
      ['0600000001', 1, 7, 1_700_000_000, 10],
      ['1100000002', 1, 7, 1_700_000_060, 10]
    ])
    assert.equal(flows.counts.records, 2)
    assert.equal(flows.counts.sets, 2)
    const [domain] = flows.domains()
    assert.equal(domain?.messages, 2)
    assert.equal(domain?.sequence.lost, 0)
  })

  test('gives Data Sets that came before their template when it comes, and counts those that never have one', async context => {
    const early = buildMessage({ exportTimeSec: 10 }).data(256, '0600000001').data(999, '00112233').octets()
    const late = buildMessage({ exportTimeSec: 20, sequence: 1 })
      .template(256, '4:1 2:4')
      .data(256, '1100000002')
      .octets()
    const flows = openFlows([fileOf(context, 'a.ipfix', Buffer.concat([early, late]))], { limits })
    const seen: unknown[] = []
    await flows.read({ onRun: run => seen.push([recordsOf(run), run.context.exportTimeSec]) })
    assert.deepEqual(seen, [
      ['1100000002', 20],
      ['0600000001', 10]
    ])
    const { sets, records, setsDelivered, recordsDelivered, setsWithoutTemplate, octetsWithoutTemplate } = flows.counts
    assert.deepEqual(
      { sets, records, setsDelivered, recordsDelivered, setsWithoutTemplate, octetsWithoutTemplate },
      { sets: 1, records: 2, setsDelivered: 1, recordsDelivered: 1, setsWithoutTemplate: 1, octetsWithoutTemplate: 4 }
    )
  })

  test('gives up Data Sets that wait when there is no room for them', async context => {
    const early = buildMessage().data(256, '0600000001').octets()
    const late = buildMessage({ sequence: 1 }).template(256, '4:1 2:4').octets()
    const small = { ...limits, memoryOctets: 800 }
    const flows = openFlows([fileOf(context, 'a.ipfix', Buffer.concat([early, late]))], { limits: small })
    await flows.read({ onRun: () => assert.fail('nothing can be read') })
    assert.equal(flows.counts.setsWithoutTemplate, 1)
  })

  test('counts what is missing by the sequence numbers of a domain', async context => {
    const messages = [0, 1, 5].map(sequence => buildMessage({ sequence }).template(256, '4:1').data(256, '06').octets())
    const flows = openFlows([fileOf(context, 'a.ipfix', Buffer.concat(messages))], { limits })
    await flows.read({ onRun() {} })
    const [domain] = flows.domains()
    assert.equal(domain?.sequence.lost, 3)
  })

  test('knows the sampling rate that options records say, from then on', async context => {
    const messages = [
      buildMessage().template(256, '4:1').data(256, '06'),
      buildMessage({ sequence: 1 }).optionsTemplate(257, 1, '149:4 305:4 306:4').data(257, '000000010000000100000063'),
      buildMessage({ sequence: 2 }).data(256, '11')
    ]
    const octets = Buffer.concat(messages.map(message => message.octets()))
    const flows = openFlows([fileOf(context, 'a.ipfix', octets)], { limits })
    const rates: number[] = []
    let options = 0
    await flows.read({
      onRun: run => rates.push(run.context.samplingRate),
      onOptions: run => void (options += run.records)
    })
    assert.deepEqual(rates, [0, 100])
    assert.equal(options, 1)
    assert.equal(flows.counts.optionsRecords, 1)
  })

  test('reads gzip, and ends at once where it expands beyond the bound', async context => {
    const message = buildMessage().template(256, '4:1').data(256, '06').octets()
    const flows = openFlows([fileOf(context, 'a.ipfix.gz', gzipSync(message))], { limits })
    await flows.read({ onRun() {} })
    assert.equal(flows.counts.records, 1)
    const bomb = fileOf(context, 'bomb.pcap.gz', gzipSync(new Uint8Array(64 * 2 ** 20)))
    let octetsRead = 0
    const bombed = openFlows([bomb], { limits, onProgress: now => void (octetsRead = now.octetsRead) })
    await assert.rejects(bombed.read({ onRun() {} }), { code: 'TASK_LIMIT' })
    assert.ok(octetsRead <= bomb.octets)
  })

  test('ends with the reason of its signal between two chunks', async context => {
    const message = buildMessage().template(256, '4:1').data(256, '06').octets()
    const octets = Buffer.concat(Array.from({ length: 100_000 }, () => message))
    const stop = new AbortController()
    const flows = openFlows([fileOf(context, 'a.ipfix', octets)], { limits, signal: stop.signal })
    const reason = new Error('nobody wants it')
    await assert.rejects(flows.read({ onRun: () => stop.abort(reason) }), reason)
    assert.ok(flows.counts.records < 100_000)
  })

  test('says what to do where nothing is flow export', async context => {
    const flows = openFlows([fileOf(context, 'a.txt', Buffer.from('no flows at all'))], { limits })
    await assert.rejects(flows.read({ onRun() {} }), { code: 'NOTHING_DECODED', message: /a\.txt/ })
  })

  test('gives of every real capture what the decoder counts', { skip: skipCaptures }, async () => {
    for (const { name, files } of captureCases) {
      const inputs = files.map(({ path }) => inputOf(join(capturesFolder, path)))
      const flows = openFlows(inputs, { limits })
      let given = 0
      let failure: unknown
      await flows.read({ onRun: run => void (given += run.records) }).catch((error: unknown) => (failure = error))
      const decoder = new CaptureDecoder()
      const reader = new CaptureReader()
      for (const { path } of inputs) {
        reader.begin(formatByName(path))
        for (const message of reader.push(readFileSync(path))) decoder.decode(message)
        for (const message of reader.end()) decoder.decode(message)
      }
      for (const message of reader.finish()) decoder.decode(message)
      const { dataRecords, messages, malformedMessages, optionsRecords, undecodableSets, faults } = decoder.summary
      assert.equal(failure !== undefined, messages === malformedMessages, name)
      const { counts } = flows
      assert.deepEqual(counts.decoded, decoder.summary, name)
      assert.equal(given, counts.records, name)
      assert.equal(counts.records, dataRecords + counts.recordsDelivered, name)
      assert.ok(counts.optionsRecords >= optionsRecords, name)
      const rejected = faults.REJECTED_TEMPLATE ?? 0
      assert.equal(counts.setsDelivered + counts.setsWithoutTemplate, undecodableSets - rejected, name)
    }
  })
})
