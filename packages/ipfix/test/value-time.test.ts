import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { nanosecondsOf, nearestEra, ntpToUnix, readTimeText, writeTime } from '../src/value-time.ts'
import type { TimeType } from '../src/value-time.ts'
import { hex, toHex } from './support/octets.ts'

const NOW_MS = Date.UTC(2026, 6, 22)

const textOf = (type: TimeType, pairs: string, nowMs = NOW_MS): string | undefined =>
  readTimeText(type, hex(pairs).view, 0, nowMs)

function written(type: TimeType, seconds: number, nanoseconds: number): string {
  const octets = new Uint8Array(type === 'dateTimeSeconds' ? 4 : 8)
  writeTime(type, new DataView(octets.buffer), 0, seconds, nanoseconds)
  return toHex(octets)
}

describe('reads times', () => {
  test('R7373-4.8-1 V33 with no, three, six or nine digits', () => {
    assert.equal(textOf('dateTimeSeconds', '6553f100'), '2023-11-14T22:13:20')
    assert.equal(textOf('dateTimeMilliseconds', '0000018bcfe5687b'), '2023-11-14T22:13:20.123')
    assert.equal(textOf('dateTimeMicroseconds', 'e8fe6f801f9add37'), '2023-11-14T22:13:20.123456')
    assert.equal(textOf('dateTimeNanoseconds', 'e8fe6f801f9add37'), '2023-11-14T22:13:20.123456789')
  })

  test('R7011-6.1.8-1 the low eleven bits of a dateTimeMicroseconds are ignored', () => {
    assert.equal(textOf('dateTimeMicroseconds', 'e8fe6f801f9ad000'), textOf('dateTimeMicroseconds', 'e8fe6f801f9ad7ff'))
    assert.equal(textOf('dateTimeMicroseconds', 'e8fe6f80000007ff'), '2023-11-14T22:13:20.000000')
  })

  test('R7011-6.1.10-1 nanoseconds are right beyond 2^53', () => {
    for (let index = 0; index < 1000; index++) {
      const fraction = (index * 4_294_967 + index) % 2 ** 32
      const exact = Number((BigInt(fraction) * 2_000_000_000n + 2n ** 32n) / 2n ** 33n)
      assert.equal(nanosecondsOf(fraction), exact)
    }
  })

  test('a fraction that rounds up to a second carries', () => {
    assert.equal(textOf('dateTimeNanoseconds', 'e8fe6f80ffffffff'), '2023-11-14T22:13:21.000000000')
  })

  test('R7011-5.2-1 seconds that wrapped in 2106 are those nearest to now', () => {
    const afterWrap = Date.UTC(2106, 1, 8)
    assert.equal(textOf('dateTimeSeconds', '00000005', afterWrap), '2106-02-07T06:28:21')
    assert.equal(textOf('dateTimeSeconds', 'fffffff0', afterWrap), '2106-02-07T06:28:00')
    assert.equal(textOf('dateTimeSeconds', '00000005'), '1970-01-01T00:00:05')
    assert.equal(nearestEra(1_700_000_000, NOW_MS), 1_700_000_000)
  })

  test('R7011-5.2-1 NTP seconds are in the era nearest to now', () => {
    assert.equal(textOf('dateTimeMicroseconds', '0000000500000000'), '2036-02-07T06:28:21.000000')
    assert.equal(textOf('dateTimeMicroseconds', 'ffffffff00000000'), '2036-02-07T06:28:15.000000')
    assert.equal(ntpToUnix(3_908_988_800, NOW_MS), 1_700_000_000)
  })

  test('a time beyond the year 9999 has no text', () => {
    assert.equal(textOf('dateTimeMilliseconds', 'ffffffffffffffff'), undefined)
    assert.equal(textOf('dateTimeMilliseconds', '0000e677d21fdc00'), undefined)
    assert.equal(textOf('dateTimeMilliseconds', '0000e677d21fdbff'), '9999-12-31T23:59:59.999')
  })

  test('now being unknown is no reason to fail', () => {
    assert.equal(textOf('dateTimeSeconds', '6553f100', NaN), undefined)
  })
})

describe('writes times', () => {
  test('R7011-6.1.8-1 with the low eleven bits of a dateTimeMicroseconds zero', () => {
    const text = written('dateTimeMicroseconds', 1_700_000_000, 123_456_789)
    assert.equal(text, 'e8fe6f801f9ad000')
    assert.equal(textOf('dateTimeMicroseconds', text), '2023-11-14T22:13:20.123456')
  })

  test('R7011-6.1.10-1 so that every microsecond and nanosecond comes back', () => {
    for (const nanoseconds of [0, 1, 499, 999, 1000, 1001, 123_456_789, 500_000_000, 999_999_000, 999_999_999]) {
      const nano = textOf('dateTimeNanoseconds', written('dateTimeNanoseconds', 1_700_000_000, nanoseconds))
      assert.equal(nano?.slice(-9), String(nanoseconds).padStart(9, '0'))
      const micro = textOf('dateTimeMicroseconds', written('dateTimeMicroseconds', 1_700_000_000, nanoseconds))
      assert.equal(micro?.slice(-6), String(Math.floor(nanoseconds / 1000)).padStart(6, '0'))
    }
  })

  test('R7011-5.2-1 modulo 2^32', () => {
    assert.equal(written('dateTimeSeconds', 2 ** 32 + 5, 0), '00000005')
    assert.equal(written('dateTimeNanoseconds', 2_085_978_501, 0), '0000000500000000')
  })
})
