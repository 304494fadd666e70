import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { REVERSE_PEN } from '@weir/ipfix'
import type { IpfixPlan } from '../src/index.ts'
import { bare, contextOf, normalisedText } from './support/programs.ts'

const nanoseconds: IpfixPlan = { ...bare, timestamps: 'nanoseconds' }
const preserve: IpfixPlan = { ...bare, timestamps: 'preserve' }

const EXPORT_SEC = 1_700_000_000
const u64 = (value: bigint | number): string => BigInt(value).toString(16).padStart(16, '0')
const u32 = (value: number): string => value.toString(16).padStart(8, '0')
/** NTP timestamp of nanoseconds since 1970, its fraction rounded up. */
const ntp = (ns: bigint): string => {
  const fraction = (((ns % 1_000_000_000n) << 32n) + 999_999_999n) / 1_000_000_000n
  return u32(Number((ns / 1_000_000_000n + 2_208_988_800n) % 2n ** 32n)) + u32(Number(fraction))
}
const uptimeContext = contextOf({ bootTimeMs: EXPORT_SEC * 1000 - 5000 })

/** Milliseconds that one start becomes. */
function start(id: string, octets: string, context = contextOf()): string {
  const text = normalisedText(id, octets, bare, context)
  assert.match(text, /^152:8 = /)
  return BigInt(`0x${text.slice(8)}`).toString()
}

describe('to milliseconds', () => {
  test('dateTimeSeconds', () => {
    assert.equal(start('150:4', u32(EXPORT_SEC)), '1700000000000')
  })

  test('R7011-6.1.8-1 V33: dateTimeMicroseconds, without its low 11 bits', () => {
    assert.equal(start('154:8', 'e8fe6f801f9add37'), '1700000000123')
    // The bits below make .999999999; without them it is .999999 still.
    assert.equal(start('154:8', 'e8fe6f80ffffffff'), start('154:8', 'e8fe6f80fffff800'))
  })

  test('a millisecond that an exporter wrote rounded down comes back whole', () => {
    for (let ms = 0; ms < 1000; ms++) {
      const down = Number((BigInt(ms) << 32n) / 1000n)
      assert.equal(start('156:8', `e8fe6f80${u32(down)}`), String(EXPORT_SEC * 1000 + ms))
      assert.equal(start('154:8', `e8fe6f80${u32(Number(BigInt(down) & ~0x7ffn))}`), String(EXPORT_SEC * 1000 + ms))
    }
  })

  test('what is finer than a millisecond is cut off, not rounded', () => {
    assert.equal(start('156:8', ntp(1_700_000_000_999_999_999n)), '1700000000999')
  })

  test('R7011-5.1-1 V33: delta times are before the Export Time', () => {
    assert.equal(start('158:4', '004c4b40'), '1699999995000')
    assert.equal(start('158:4', 'ffffffff'), '1699995705032')
    assert.equal(start('158:2', '03e9'), '1699999999998')
    assert.equal(start('158:4', '00000001', contextOf({ exportTimeSec: 0 })), '0')
  })

  test('R3954-time-1: sysUpTime that wrapped is the nearest to the header time, before it', () => {
    assert.equal(start('22:4', 'fffff000', uptimeContext), String(EXPORT_SEC * 1000 - 9096))
  })

  test('R3954-time-1: sysUpTime may be after the header time', () => {
    assert.equal(start('22:4', u32(5500), uptimeContext), String(EXPORT_SEC * 1000 + 500))
  })

  test('RV5-3 V18: sysUpTime 10 s before the header of a v5 datagram with nanoseconds', () => {
    const context = contextOf({ bootTimeMs: 1_700_000_000_500 - 100_000, version: 5 })
    assert.equal(
      normalisedText('22:4 21:4', '00015f9000017318', bare, context),
      `152:8 153:8 = ${u64(1_699_999_990_500)}${u64(1_699_999_995_500)}`
    )
  })

  test('R5153-4.7-1: systemInitTimeMilliseconds of the record is the base, before that of the context', () => {
    assert.equal(
      normalisedText('160:8 22:4', `${u64(EXPORT_SEC * 1000 - 60_000)} ${u32(1000)}`, bare, uptimeContext),
      `152:8 160:8 = ${u64(EXPORT_SEC * 1000 - 59_000)}${u64(EXPORT_SEC * 1000 - 60_000)}`
    )
  })

  test('sysUpTime of unknown base passes unchanged', () => {
    assert.equal(normalisedText('22:4 21:3', '00000001 000002'), '22:4 21:4 = 0000000100000002')
  })

  test('sysUpTime of unknown base goes when another form tells the time', () => {
    assert.equal(normalisedText('22:4 150:4', `00000001 ${u32(EXPORT_SEC)}`), `152:8 = ${u64(EXPORT_SEC * 1000)}`)
  })

  test('the most precise absolute form wins: 156, 154, 152, 150, 158, 22', () => {
    const forms = [
      ['156:8', ntp(1_700_000_000_156_000_000n), 156],
      ['154:8', ntp(1_700_000_000_154_000_000n), 154],
      ['152:8', u64(1_700_000_000_152), 152],
      ['150:4', u32(EXPORT_SEC), 0],
      ['158:4', u32(158_000), -158],
      ['22:4', u32(4978), -22]
    ] as const
    for (let first = 0; first < forms.length; first++) {
      const rest = forms.slice(first).toReversed()
      const layout = rest.map(([field]) => field).join(' ')
      const octets = rest.map(([, value]) => value).join('')
      assert.equal(
        normalisedText(layout, octets, bare, uptimeContext),
        `152:8 = ${u64(EXPORT_SEC * 1000 + forms[first][2])}`
      )
    }
  })

  test('start and end, forward and reverse, are chosen each for itself', () => {
    assert.equal(
      normalisedText(
        `150:4 153:8 ${REVERSE_PEN}.150:4 ${REVERSE_PEN}.151:4`,
        `${u32(1)} ${u64(2)} ${u32(3)} ${u32(4)}`,
        bare,
        contextOf({ receivedAtMs: 0 })
      ),
      `152:8 153:8 ${REVERSE_PEN}.152:8 ${REVERSE_PEN}.153:8 = ${u64(1000)}${u64(2)}${u64(3000)}${u64(4000)}`
    )
  })

  test('RFC 7011 §5.2: a count of seconds that has wrapped is in the era nearest to the time of collection', () => {
    const context = contextOf({ receivedAtMs: Date.UTC(2040, 0, 1) })
    const ns = BigInt(Date.UTC(2040, 0, 1)) * 1_000_000n
    assert.equal(start('156:8', ntp(ns), context), String(Date.UTC(2040, 0, 1)))
  })

  test('durations and other times pass as they are', () => {
    assert.equal(normalisedText('161:4 323:8', '000010e1 0000018bcfe56800'), '161:4 323:8 = 000010e10000018bcfe56800')
  })

  test('a time of a length that its type cannot have is no candidate', () => {
    assert.equal(normalisedText('152:4 150:4', `00000001 ${u32(EXPORT_SEC)}`), `152:8 = ${u64(EXPORT_SEC * 1000)}`)
  })
})

describe('to nanoseconds', () => {
  const ns = 1_700_000_000_123_000_000n

  test('milliseconds, seconds, delta and sysUpTime become 156, rounded up to what the fraction can tell', () => {
    assert.equal(normalisedText('152:8', u64(1_700_000_000_123), nanoseconds), `156:8 = ${ntp(ns)}`)
    assert.equal(normalisedText('150:4', u32(EXPORT_SEC), nanoseconds), `156:8 = ${ntp(1_700_000_000_000_000_000n)}`)
    assert.equal(normalisedText('158:4', u32(1), nanoseconds), `156:8 = ${ntp(1_699_999_999_999_999_000n)}`)
    assert.equal(
      normalisedText('22:4', u32(5), nanoseconds, uptimeContext),
      `156:8 = ${ntp(1_699_999_995_005_000_000n)}`
    )
  })

  test('every millisecond comes back as it was', () => {
    for (let ms = 0; ms < 1000; ms++) {
      const value = u64(1_700_000_000_000 + ms)
      const [, octets] = normalisedText('152:8', value, nanoseconds).split(' = ')
      assert.equal(normalisedText('156:8', octets), `152:8 = ${value}`)
    }
  })

  test('R7011-6.1.8-1: microseconds lose the low 11 bits that have no meaning', () => {
    assert.equal(normalisedText('154:8', 'e8fe6f801f9add37', nanoseconds), `156:8 = ${ntp(1_700_000_000_123_456_000n)}`)
  })

  test('R7011-6.1.10-1 V33: nanoseconds pass octet for octet', () => {
    assert.equal(
      normalisedText('157:8 156:8', 'e8fe6f801f9add38 e8fe6f801f9add37', nanoseconds),
      '156:8 157:8 = e8fe6f801f9add37e8fe6f801f9add38'
    )
  })
})

describe('preserve', () => {
  test('V33: absolute forms stay, octet for octet; the delta goes, since microseconds are told', () => {
    assert.equal(
      normalisedText(
        '150:4 152:8 154:8 156:8 158:4 161:4',
        '6553f100 0000018bcfe5687b e8fe6f801f9add37 e8fe6f801f9add37 004c4b40 000010e1',
        preserve
      ),
      '152:8 154:8 156:8 150:4 161:4 = 0000018bcfe5687be8fe6f801f9add37e8fe6f801f9add376553f100000010e1'
    )
  })

  test('R7119-3-2: a delta becomes absolute microseconds with the low 11 bits 0', () => {
    // .999999 is ffffef3a.07 of 2^32; the next with its low 11 bits 0 is fffff000.
    assert.equal(normalisedText('158:4', u32(1), preserve), '154:8 = e8fe6f7ffffff000')
    assert.equal(normalisedText('158:4', u32(5_000_000), preserve), `154:8 = ${ntp(1_699_999_995_000_000_000n)}`)
  })

  test('R7011-6.1.8-1: readers that cut off and readers that round both get the microsecond that was meant', () => {
    for (let delta = 1; delta < 1_000_000; delta += 997) {
      const [, octets] = normalisedText('158:4', u32(delta), preserve).split(' = ')
      const fraction = Number(`0x${octets.slice(8)}`)
      assert.equal(fraction % 2048, 0)
      const micro = (fraction * 1e6) / 2 ** 32
      assert.deepEqual([Math.floor(micro), Math.round(micro)], [1_000_000 - delta, 1_000_000 - delta])
    }
  })

  test('R7119-3-2: the same delta relayed later is the same time', () => {
    const early = normalisedText('158:4', u32(5_000_000), preserve, contextOf({ receivedAtMs: EXPORT_SEC * 1000 }))
    const late = normalisedText(
      '158:4',
      u32(5_000_000),
      preserve,
      contextOf({ receivedAtMs: EXPORT_SEC * 1000 + 100_000 })
    )
    assert.equal(early, late)
  })

  test('R5153-4.7-1: sysUpTime of known base becomes milliseconds', () => {
    assert.equal(normalisedText('22:4', u32(5), preserve, uptimeContext), `152:8 = ${u64(1_699_999_995_005)}`)
    assert.equal(normalisedText('22:4', u32(5), preserve), '22:4 = 00000005')
  })

  test('R7119-3-2: a delta in a scope is rewritten too, and keeps its place', () => {
    assert.equal(
      normalisedText('158:4 143:4 | 41:8', `${u32(5_000_000)} 00000001 ${u64(2)}`),
      `152:8 143:4 | 41:8 = ${u64(1_699_999_995_000)}00000001${u64(2)}`
    )
  })
})
