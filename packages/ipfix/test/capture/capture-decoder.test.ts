import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { CaptureDecoder } from '../../src/capture/capture-decoder.ts'
import { message, number, octetsOf } from './packet-builder.ts'
import type { CapturedMessage } from '../../src/capture/captured-message.ts'

const destination = { address: '127.0.0.1', port: 4739 }
const captured = (octets: Uint8Array, fields: Partial<CapturedMessage> = {}): CapturedMessage => {
  const source = { address: '192.0.2.10', port: 50000 }
  return { octets, timestampMs: 0, transport: 'udp', source, destination, session: 1, ...fields }
}

/** IPFIX Message of Sets in hex, for ODID 1. */
const ipfix = (sets: string): Uint8Array =>
  octetsOf('000a', number(16 + sets.length / 2, 2), '6553f1000000000000000001', sets)
const template256 = '0002000c0100000100040001'
const withdrawal256 = '0003000801000000'

/** NetFlow v9 packet of FlowSets in hex, for Source ID 1. */
const v9 = (sets: string): Uint8Array => octetsOf('00090001000000006553f1000000000000000001', sets)

describe('CaptureDecoder reads', () => {
  test('and counts, in all and by version', () => {
    const decoder = new CaptureDecoder()
    decoder.decode(captured(ipfix(`${template256}010000090607080011`)))
    decoder.decode(captured(octetsOf('000500010000', new Uint8Array(66))))
    decoder.decode(
      captured(octetsOf('00000005000000010a0000fe000000000000002a000186a000000001', '0000000100000004ffffffff'))
    )
    decoder.decode(captured(octetsOf('beef0000')))
    const { summary } = decoder
    assert.equal(summary.messages, 4)
    assert.equal(summary.templates, 1)
    assert.equal(summary.dataRecords, 6)
    assert.equal(summary.sflowSamples, 1)
    assert.equal(summary.malformedMessages, 1)
    assert.deepEqual(Object.keys(summary.byVersion).toSorted(), ['10', '5', 'other', 'sflow'])
    assert.equal(summary.byVersion['10']?.dataRecords, 5)
    assert.deepEqual(summary.faults, { BAD_VERSION: 1 })
  })

  test('IPFIX templates within their session, NetFlow v9 ones for the address', () => {
    const other = { source: { address: '192.0.2.10', port: 50001 }, session: 2 }
    const decoder = new CaptureDecoder()
    decoder.decode(captured(ipfix(template256)))
    decoder.decode(captured(message(1), other))
    assert.equal(decoder.summary.undecodableSets, 1)
    decoder.decode(captured(v9('0000000c0100000100040001')))
    decoder.decode(captured(v9('0100000806000000'), other))
    assert.equal(decoder.summary.byVersion['9']?.dataRecords, 4)
    decoder.decode(captured(v9('0100000806000000'), { source: { address: '192.0.2.11', port: 50000 }, session: 3 }))
    assert.equal(decoder.summary.byVersion['9']?.undecodableSets, 1)
  })

  test('withdrawals, of files and of UDP', () => {
    const decoder = new CaptureDecoder()
    for (const transport of ['udp', 'file'] as const) {
      const fields = { transport, session: transport === 'udp' ? 1 : 2 }
      decoder.decode(captured(ipfix(template256), fields))
      decoder.decode(captured(ipfix(withdrawal256.replace('0003', '0002')), fields))
      decoder.decode(captured(message(1), fields))
    }
    assert.equal(decoder.summary.withdrawals, 2)
    assert.equal(decoder.summary.dataRecords, 4)
    assert.equal(decoder.summary.undecodableSets, 1)
  })

  test('NetFlow v1 records of 48 octets, as exporters send them', () => {
    const decoder = new CaptureDecoder()
    const record = octetsOf('0a0000010a000002', new Uint8Array(40))
    decoder.decode(captured(octetsOf('00010002', new Uint8Array(12), record, record)))
    assert.equal(decoder.summary.dataRecords, 2)
  })

  test('R3954-x-1 a NetFlow v9 packet whose rest is filled with zeros', () => {
    const decoder = new CaptureDecoder()
    decoder.decode(captured(v9(`0000000c0100000100040001${'00'.repeat(100)}`)))
    assert.equal(decoder.summary.templates, 1)
    decoder.decode(captured(v9(`0000000c0100000100040001${'00'.repeat(100)}01`)))
    assert.equal(decoder.summary.malformedMessages, 1)
  })

  test('a samplerId of four octets, as routers send it', () => {
    const decoder = new CaptureDecoder()
    decoder.decode(captured(ipfix('0002000c0100000100300004010000080000000a')))
    assert.equal(decoder.summary.dataRecords, 1)
  })
})

describe('CaptureDecoder rejects', () => {
  test('a malformed sFlow datagram, counted', () => {
    const decoder = new CaptureDecoder()
    decoder.decode(captured(octetsOf('00000005000000010a0000fe000000000000002b000186a0ffffffff')))
    assert.equal(decoder.summary.malformedMessages, 1)
    assert.deepEqual(decoder.summary.faults, { SFLOW_MALFORMED: 1 })
  })

  test('more Observation Domains of a session than the limit', () => {
    const decoder = new CaptureDecoder()
    for (let odid = 0; odid < 300; odid++)
      decoder.decode(captured(octetsOf('000a00106553f10000000000', number(odid, 4))))
    assert.equal(decoder.summary.faults.DOMAIN_LIMIT, 44)
  })
})
