import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { CaptureDecoder, ListWalker, RecordReader, valueToText } from '@weir/ipfix'
import { captureCases, capturesAreAbsent, messagesOf, textOf } from './capture-cases.ts'
import explained from './golden-ipfixdump-differences.json' with { type: 'json' }
import { ipfixDumpRecords } from './golden-ipfixdump.ts'
import type { DataType, LayoutLookup, ListType, ListVisitor } from '@weir/ipfix'
import type { CaptureCase } from './capture-cases.ts'

let compared = 0
const PADDING_OCTETS = 210
/** PEN 29305 is that of reverse elements (RFC 5103). */
const isIana = (pen: number): boolean => pen === 0 || pen === 29305
const lists = new Set<DataType>(['basicList', 'subTemplateList', 'subTemplateMultiList'])

/** Our records of a case as the tokens of golden-ipfixdump.ts, values as ipfixDump writes them. */
function recordsOf(case_: CaptureCase): string[][] {
  const records: string[][] = []
  const decoder = new CaptureDecoder()
  const { registry } = decoder
  const walker = new ListWalker(registry)
  const reader = new RecordReader(registry)
  for (const { octets, ...message } of messagesOf(case_)) {
    const view = new DataView(octets.buffer, octets.byteOffset, octets.length)
    const token = (pen: number, id: number, offset: number, length: number): string => {
      if (id === PADDING_OCTETS && pen === 0) return `${pen}.${id}=len: ${length}`
      return `${pen}.${id}=${shownValue(isIana(pen) ? registry.get(pen, id)?.type : undefined, octets, view, offset, length)}`
    }
    walker.beginMessage()
    decoder.decode(
      { octets, ...message },
      {
        onDataSet: ({ layout, offset, lengthOctets }) => {
          reader.open(layout, view, offset, lengthOctets)
          while (reader.nextRecord()) {
            const tokens: string[] = []
            while (reader.nextField()) {
              const { pen, id, type } = reader
              if (lists.has(type))
                tokens.push(...listTokens(type as ListType, reader, view, walker, decoder.templates, token))
              else tokens.push(token(pen, id, reader.offset, reader.length))
            }
            records.push(tokens)
          }
        }
      }
    )
  }
  return records
}

function listTokens(
  type: ListType,
  { offset, length }: RecordReader,
  view: DataView,
  walker: ListWalker,
  templates: LayoutLookup,
  token: (pen: number, id: number, offset: number, length: number) => string
): string[] {
  const tokens: string[] = []
  const visitor: ListVisitor = {
    wantsValues: true,
    onListStart: list => void tokens.push(`list:${list.type}:${list.semantic}`),
    onListEnd() {},
    onTemplateId: (_offset, templateId) => void tokens.push(`template:${templateId}`),
    onRecordStart() {},
    onRecordEnd() {},
    onValue: (pen, id, at, octets) => void tokens.push(token(pen, id, at, octets)),
    onListField() {}
  }
  assert.equal(walker.walk(type, view, offset, length, templates, visitor), undefined)
  return tokens
}

/**
 * A value as ipfixDump writes it: IPv6 groups with four digits, times with a space, strings with their length, octets of
 * elements that libfixbuf was not told of (all enterprises') as a number of the machine that ran it
 * (little-endian), longer than 8 as hex with their length.
 */
function shownValue(
  type: DataType | undefined,
  octets: Uint8Array,
  view: DataView,
  offset: number,
  length: number
): string {
  compared++
  if (type === undefined || type === 'octetArray') {
    const value = Buffer.from(octets.subarray(offset, offset + length))
    if (length > 8) return `(len: ${length}) 0x${value.toString('hex')}`
    return BigInt(`0x${Buffer.from(value.toReversed()).toString('hex') || '0'}`).toString()
  }
  const text = valueToText(type, octets, view, offset, length, 1.7e12)
  if (type === 'string') return `(len: ${length}) ${text}`
  if (type === 'ipv6Address') return text.replace(/[0-9a-f]+/g, group => group.padStart(4, '0'))
  return type.startsWith('dateTime') ? text.replace('T', ' ') : text
}

describe('golden values of ipfixDump', { skip: capturesAreAbsent }, () => {
  for (const case_ of captureCases) {
    const path = case_.golden.find(file => file.startsWith('golden-ipfixdump/'))
    if (path === undefined) continue
    test(`${case_.name} has every value that ipfixDump has, in lists, too`, () => {
      const differences: string[] = []
      const ours = recordsOf(case_)
      const golden = ipfixDumpRecords(textOf(path))
      assert.deepEqual(
        ours.map(({ length }) => length),
        golden.map(({ length }) => length)
      )
      for (const [number, tokens] of golden.entries()) {
        for (const [at, token] of tokens.entries()) {
          if (ours[number][at] !== token) differences.push(`${number + 1}: ipfixDump ${token}, we ${ours[number][at]}`)
        }
      }
      assert.deepEqual(differences, explained.find(difference => difference.case === case_.name)?.differences ?? [])
    })
  }

  after(() => {
    if (capturesAreAbsent === false) process.stderr.write(`ipfixDump: ${compared} values compared\n`)
  })
})
