import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { MessageFramer } from '@weir/ipfix'
import { buildFixed, buildMessage, buildV9, DecoderTarget, hexOf, Mutator, octetsOf } from '@weir/ipfix/testing'
import type { Transport } from '@weir/ipfix'

const file = new URL('../../../test/conformance/vectors.json', import.meta.url)
const vectors = Object.values(JSON.parse(readFileSync(file, 'utf8')) as Record<string, { hex: string }>)
const seeds = [
  ...vectors.map(({ hex }) => octetsOf(hex)),
  buildFixed([{}, {}], { version: 1 }),
  buildFixed([{}, {}, {}]),
  buildV9().optionsTemplate(256, 2, '1:4 2:4 41:4').template(257, '8:4 9.1:2').data(257, '010203040506').octets(),
  buildMessage()
    .template(256, '82:v 83:v 8:4')
    .data(256, '0161016200000001', 'ff000161016200000001')
    .withdraw(2)
    .octets()
]
const mutator = new Mutator(seeds)

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

function memoryOctets(): number {
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

describe('MessageDecoder, whatever the octets', () => {
  for (const [transport, isStrict] of [
    ['udp', false],
    ['tcp', false],
    ['tcp', true]
  ] as [Transport, boolean][]) {
    test(`holds its invariants for mutated Messages (${transport}${isStrict ? ', strict' : ''})`, () => {
      const target = new DecoderTarget(transport, isStrict)
      fc.assert(
        fc.property(fc.integer(), seed => {
          const octets = mutator.make(seed)
          try {
            target.run(octets)
          } catch (error) {
            throw new Error(`with ${hexOf(octets)}`, { cause: error })
          }
        }),
        { numRuns: 30_000 }
      )
      assert.ok(target.accepted > 1000, `only ${target.accepted} were accepted: the mutator breaks too much`)
      assert.ok(target.records > 1000)
    })
  }

  test('holds its invariants for arbitrary octets behind a right header', () => {
    const target = new DecoderTarget('udp')
    const versions = fc.constantFrom(1, 5, 7, 9, 10, 11)
    fc.assert(
      fc.property(versions, fc.uint8Array({ maxLength: 200 }), (version, octets) => {
        if (octets.length >= 4) octets.set([0, version, octets.length >> 8, octets.length])
        target.run(octets)
      }),
      { numRuns: 10_000 }
    )
  })

  test('keeps nothing of its inputs', () => {
    const target = new DecoderTarget('udp')
    for (let seed = 0; seed < 20_000; seed++) target.run(mutator.make(seed))
    const before = memoryOctets()
    for (let seed = 20_000; seed < 60_000; seed++) target.run(mutator.make(seed))
    const grownOctets = memoryOctets() - before
    assert.ok(grownOctets < 1024 * 1024, `grew by ${grownOctets} octets`)
  })
})

describe('MessageFramer, whatever the octets', () => {
  test('gives out every Message in order, or says that the framing is lost', () => {
    const all: Uint8Array[] = []
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 50 }), { maxLength: 20 }),
        fc.boolean(),
        (chunks, isHeader) => {
          if (isHeader) for (const chunk of chunks) if (chunk.length >= 4) chunk.set([0, 10, 0, 16 + (chunk[3] % 20)])
          all.length = 0
          const framer = new MessageFramer()
          let given = 0
          for (const chunk of chunks) {
            framer.push(chunk, (octets, _view, offset, length) => {
              assert.ok(length >= 16 && offset + length <= octets.length)
              given += length
            })
          }
          const came = chunks.reduce((sum, { length }) => sum + length, 0)
          if (framer.fault === undefined) assert.equal(given + framer.pendingOctets, came)
          else assert.ok(given < came)
        }
      ),
      { numRuns: 5000 }
    )
  })
})
