// What the decoder costs without any I/O: node packages/ipfix/bench/decode.bench.ts [repeats]
//
// Case ids are stable. Octets are what the young generation grew by, over all records: 0 means that the hot path makes
// no object. The median of the repeats is printed, with the least and the most.
import { cpus } from 'node:os'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { MessageFramer, MessageWriter } from '@weir/ipfix'
import { buildFixed, buildMessage, TestSession } from '@weir/ipfix/testing'
import type { MessageVisitor } from '@weir/ipfix'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

class CountingVisitor implements MessageVisitor {
  records = 0
  octets = 0
  templates = 0
  onMessage(): void {}
  onTemplate(): void {
    this.templates++
  }
  onDataSet({ records, lengthOctets }: { records: number; lengthOctets: number }): void {
    this.records += records
    this.octets += lengthOctets
  }
  onUnknownSet(): void {
    throw new Error('unknown Set')
  }
  onFault(code: string): void {
    throw new Error(code)
  }
}

interface Case {
  readonly id: string
  readonly what: string
  /** Records (or templates) of one run. */
  readonly records: number
  readonly run: () => void
}

/** 20 fields of IPv4 flows, 74 octets: what exporters send (performance notes of the project). */
const flowFields = '8:4 12:4 15:4 10:2 14:2 2:8 1:8 152:8 153:8 7:2 11:2 6:1 4:1 5:1 16:4 17:4 9:1 13:1 136:1 61:1'
const variableFields = '152:8 153:8 82:v 460:v 8:4 12:4'
const visitor = new CountingVisitor()

function decoderCase(
  id: string,
  what: string,
  setUp: Uint8Array | undefined,
  message: Uint8Array,
  perMessage: number,
  count = 20_000
): Case {
  const session = new TestSession({ transport: 'tcp' })
  if (setUp !== undefined) session.decode(setUp)
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength)
  const { decoder } = session
  return {
    id,
    what,
    records: perMessage * count,
    run: () => {
      for (let at = 0; at < count; at++) decoder.decode(message, view, 0, message.length, 'tcp', session, 1000, visitor)
    }
  }
}

function cases(): Case[] {
  const template = buildMessage().template(256, flowFields).octets()
  const recordLength = new TestSession().decode(template).templates[0].layout.recordLength
  const fixed = buildMessage()
    .data(256, new Uint8Array(18 * recordLength))
    .octets()
  const variableTemplate = buildMessage().template(256, variableFields).octets()
  const value = `${'00'.repeat(16)}056574682d30ff000b6578616d706c652e636f6d0a0000010a000002`
  const variable = buildMessage()
    .data(256, ...Array.from({ length: 18 }, () => value))
    .octets()
  const templates = buildMessage()
  for (let at = 0; at < 10; at++) templates.template(256 + at, `${flowFields} 210:${at + 1}`)
  const many = buildMessage()
  for (let at = 0; at < 18; at++) many.newSet().data(256, new Uint8Array(recordLength))
  const stream = new Uint8Array(fixed.length * 40)
  for (let at = 0; at < 40; at++) stream.set(fixed, at * fixed.length)
  const framer = new MessageFramer()
  const session = new TestSession({ transport: 'tcp' })
  session.decode(template)
  const { decoder } = session
  const onMessage = (octets: Uint8Array, view: DataView, offset: number, length: number): void => {
    decoder.decode(octets, view, offset, length, 'tcp', session, 1000, visitor)
  }
  const cut = Array.from({ length: Math.ceil(stream.length / 1448) }, (_, at) =>
    stream.subarray(at * 1448, (at + 1) * 1448)
  )
  const writer = new MessageWriter()
  const header = { exportTimeSec: 1, sequence: 2, odid: 3 }
  const block = new Uint8Array(18 * recordLength)
  return [
    decoderCase('decode/fixed-18', `one Set of 18 records of ${recordLength} octets`, template, fixed, 18),
    decoderCase('decode/fixed-18-sets', '18 Sets of one record', template, many.octets(), 18, 5000),
    decoderCase('decode/variable-18', '18 records with two variable-length fields', variableTemplate, variable, 18),
    decoderCase(
      'decode/v5-30',
      '30 records of NetFlow v5',
      undefined,
      buildFixed(Array.from({ length: 30 }, () => ({}))),
      30
    ),
    decoderCase(
      'decode/templates-10',
      '10 known Templates of 21 fields again',
      templates.octets(),
      templates.octets(),
      10,
      2000
    ),
    {
      id: 'frame/cut-1448',
      what: 'TCP segments of 1448 octets, framed and decoded',
      records: 18 * 40 * 50,
      run: () => {
        for (let at = 0; at < 50; at++) for (const chunk of cut) framer.push(chunk, onMessage)
      }
    },
    {
      id: 'write/data-18',
      what: 'Messages of 18 records written',
      records: 18 * 20_000,
      run: () => {
        for (let at = 0; at < 20_000; at++) {
          writer.begin(header)
          writer.data(256, block)
          writer.endAt()
        }
      }
    }
  ]
}

function measure({ id, what, records, run }: Case, repeats: number): void {
  for (let at = 0; at < 5; at++) run()
  const nanoseconds: number[] = []
  const octets: number[] = []
  for (let at = 0; at < repeats; at++) {
    collectGarbage()
    const before = process.memoryUsage().heapUsed
    const begun = process.hrtime.bigint()
    run()
    const took = Number(process.hrtime.bigint() - begun)
    octets.push((process.memoryUsage().heapUsed - before) / records)
    nanoseconds.push(took / records)
  }
  nanoseconds.sort((one, other) => one - other)
  octets.sort((one, other) => one - other)
  const middle = repeats >> 1
  const [least, median, most] = [nanoseconds[0], nanoseconds[middle], nanoseconds[repeats - 1]].map(value =>
    value.toFixed(1)
  )
  console.log(
    `${id.padEnd(22)} ${median.padStart(8)} ns/record (${least} to ${most})  ${octets[middle].toFixed(2).padStart(8)} octets/record` +
      `  ${(1e3 / nanoseconds[middle]).toFixed(1).padStart(7)} Mrec/s  ${what}`
  )
}

console.log(`node ${process.version}, ${cpus()[0]?.model ?? 'unknown CPU'}`)
for (const one of cases()) measure(one, Number(process.argv[2] ?? 9))
