import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { REVERSE_PEN } from '@weir/ipfix'
import {
  bare,
  contextOf,
  hex,
  layoutOf,
  normalised,
  normalisedText,
  registry,
  run,
  textOfLayout
} from './support/programs.ts'

const lineage = { ...bare, lineage: true }
const ipv6Context = contextOf({
  exporterAddress: hex('20010db8000000000000000000000001'),
  exporterIsIPv6: true
})

describe('padding and lengths', () => {
  test('rule 1: paddingOctets are left out, whatever their length', () => {
    assert.equal(normalisedText('210:3 8:4 210:65535', 'aabbcc c0000201 02 0000'), '8:4 = c0000201')
  })

  test('rule 1: a field whose length is illegal for its type is left out of IPFIX', () => {
    // NetFlow v9 alone has such templates: an IPv4 address of 3 octets, an unsigned32 of 5.
    assert.equal(normalisedText('8:3 12:4 10:5', 'aabbcc c0000201 0102030405'), '12:4 = c0000201')
  })

  test('a record of nothing but padding becomes a record of one padding octet, never one of no octets', () => {
    assert.equal(normalisedText('210:4', '01020304'), '210:1 = 00')
  })

  test('D9: a field of zero octets and a fixed size has no value and is left out; an empty string stays', () => {
    assert.equal(normalisedText('8:4 10:0 82:0', 'c0000201'), '8:4 82:0 = c0000201')
  })
})

describe('reduced-size encoding', () => {
  test('R7011-6.2-1 V23: unsigned integers and floats take their natural length', () => {
    assert.equal(
      normalisedText('1:3 2:1 6:1 311:4', '010000 c8 12 3f000000'),
      '6:2 2:8 1:8 311:8 = 001200000000000000c800000000000100003fe0000000000000'
    )
  })

  test('R7011-6.2-1 R7011-6.2-3: every shorter length of an unsigned64 keeps the value', () => {
    for (let length = 1; length < 8; length++) {
      const octets = 'f1f2f3f4f5f6f7'.slice(0, 2 * length)
      assert.equal(normalisedText(`1:${length}`, octets), `1:8 = ${octets.padStart(16, '0')}`)
    }
  })

  test('R7011-6.1.1-1: the largest 64-bit counters pass octet for octet', () => {
    assert.equal(
      normalisedText('1:8 2:8', 'ffffffffffffffff0020000000000001'),
      '2:8 1:8 = 0020000000000001ffffffffffffffff'
    )
  })

  test('R7011-6.2-1: signed integers keep their sign', () => {
    // 434 mibObjectValueInteger is signed32.
    assert.equal(normalisedText('434:3', 'fffffe'), '434:4 = fffffffe')
    assert.equal(normalisedText('434:3', '7ffffe'), '434:4 = 007ffffe')
    assert.equal(normalisedText('434:1', '80'), '434:4 = ffffff80')
  })

  test('R7011-6.1.3-1: NaN payloads, infinities and the sign of zero pass a float64, whole or shortened', () => {
    assert.equal(normalisedText('311:8', '7ff8000000000001'), '311:8 = 7ff8000000000001')
    assert.equal(normalisedText('311:4', 'ffc00001'), '311:8 = fff8000020000000')
    assert.equal(normalisedText('311:4', '7f800000'), '311:8 = 7ff0000000000000')
    assert.equal(normalisedText('311:4', '80000000'), '311:8 = 8000000000000000')
    assert.equal(normalisedText('311:4', '00000001'), '311:8 = 36a0000000000000')
  })

  test('RFC 9740: an unsigned256 takes 32 octets', () => {
    const wide = [...registry.values()].find(({ type }) => type === 'unsigned256')
    assert.ok(wide)
    assert.equal(normalisedText(`${wide.id}:3`, '010203'), `${wide.id}:32 = ${'010203'.padStart(64, '0')}`)
  })

  test('octetArray, strings and addresses keep their length', () => {
    assert.equal(
      normalisedText('82:8 94:3 56:6 27:16', `6574683000000000 010203 001122334455 ${'20'.repeat(16)}`),
      `27:16 56:6 82:8 94:3 = ${'20'.repeat(16)}0011223344556574683000000000010203`
    )
  })
})

describe('order', () => {
  test('rule 6: known elements come in canonical order, others by (pen, id), lineage and sampling last', () => {
    assert.equal(
      textOfLayout(
        run('34:4 9.5:1 9.4:1 999:1 83:1 17:4 1:8 8:4 152:8 4:1 7:2 12:4 153:8', normalised, hex('')).output
      ),
      '152:8 153:8 8:4 12:4 7:2 4:1 1:8 17:4 83:1 999:1 9.4:1 9.5:1 305:4 306:4 403:4 405:4 258:8'
    )
  })

  test('R7119-4.1.1-1: equal elements in another order give one Layout, values in their places', () => {
    const one = run('8:4 12:4', bare, hex('0a000001 0a000002'))
    const other = run('12:4 8:4', bare, hex('0a000002 0a000001'))
    assert.equal(one.output, other.output)
    assert.deepEqual(one.octets, other.octets)
  })

  test('repeated elements keep their order', () => {
    assert.equal(normalisedText('70:3 8:4 70:3', '000001 c0000201 000002'), '8:4 70:3 70:3 = c0000201000001000002')
  })

  test('R7119-4.1.1-2: scope fields stay first, in their own order', () => {
    assert.equal(
      normalisedText('302:8 143:4 | 41:8 40:8', '0000000000000001 00000002 0000000000000003 0000000000000004'),
      '302:8 143:4 | 40:8 41:8 = 00000000000000010000000200000000000000040000000000000003'
    )
    assert.notEqual(run('302:8 143:4 | 41:8', bare, hex('')).output, run('143:4 302:8 | 41:8', bare, hex('')).output)
  })
})

describe('everything else', () => {
  test('rule 7, V02: enterprise and unknown elements pass as they are, variable length with its prefix', () => {
    assert.equal(
      normalisedText('32473.15:4 900:65535 32473.16:65535', '01020304 03 616263 ff0002 6465'),
      '900:65535 32473.15:4 32473.16:65535 = 0361626301020304ff00026465'
    )
  })

  test('variable lengths of 0, 254, 255 and 65,000 octets are copied with the prefix they came with', () => {
    for (const [prefix, length] of [
      ['00', 0],
      ['ff0000', 0],
      ['fe', 254],
      ['ff00fe', 254],
      ['ff00ff', 255],
      ['fffde8', 65_000]
    ] as const) {
      const value = 'a5'.repeat(length)
      assert.equal(
        normalisedText('82:65535 8:4', `${prefix}${value}01020304`),
        `8:4 82:65535 = 01020304${prefix}${value}`
      )
    }
  })

  test('R5103-6.1-1 V17: reverse elements are expanded as their forward elements are', () => {
    assert.equal(
      normalisedText(`1:4 ${REVERSE_PEN}.1:2`, '00000001 0002'),
      `1:8 ${REVERSE_PEN}.1:8 = 00000000000000010000000000000002`
    )
  })

  test('R5103-6.1-2: the reverse of an element that has none is never exported', () => {
    assert.equal(
      normalisedText(`8:4 ${REVERSE_PEN}.210:4 ${REVERSE_PEN}.148:8`, `c0000201 00000000 ${'01'.repeat(8)}`),
      '8:4 = c0000201'
    )
  })

  test('R7011-6.1.5-1 D14: a boolean without meaning and an ill-formed string are exported unchanged', () => {
    assert.equal(normalisedText('276:1 82:2', '03 fffe'), '82:2 276:1 = fffe03')
  })

  test('R7119-opt-1: the values of templateId are what the destination knows the template as', () => {
    const context = contextOf({ templateIds: { exportedId: id => (id === 256 ? 300 : 0) } })
    assert.equal(normalisedText('145:2 | 303:2', '0100 0008', bare, context), '145:2 | 303:2 = 012c0008')
    assert.equal(normalisedText('145:2 | 303:2', '0101 0008', bare, context), '145:2 | 303:2 = 00000008')
    assert.equal(normalisedText('145:1 | 303:2', '05 0008', bare, context), '145:2 | 303:2 = 00000008')
  })

  test('R9565-1: the four bits above the TCP flags are written as zero, reverse ones too', () => {
    assert.equal(
      normalisedText(`7:2 6:2 ${REVERSE_PEN}.6:2`, '0050 f012 8001'),
      `7:2 6:2 ${REVERSE_PEN}.6:2 = 005000120001`
    )
    assert.equal(normalisedText('6:1', '12'), '6:2 = 0012')
  })

  test('R8158-5.1-1: events of two domains of one exporter differ in 405', () => {
    for (const odid of [1, 2]) {
      const event = normalisedText('230:1', '04', lineage, contextOf({ odid }))
      assert.equal(event, `230:1 403:4 405:4 258:8 = 04c00002010000000${odid}0000018bcfe56ddc`)
    }
  })

  test('RREG-1: elements beyond the registry pass as octets', () => {
    assert.ok([...registry.values()].filter(({ pen }) => pen === 0).some(({ id }) => id === 533))
    assert.equal(registry.get(0, 20_000), undefined)
    assert.equal(normalisedText('20000:4 20001:65535', '01020304 0211ff'), '20000:4 20001:65535 = 010203040211ff')
  })
})

describe('Flow Keys (R7011-4.4-1, R7119-10.2-1)', () => {
  /** Keys that the records of `fields` have after normalisation, for keys of those fields. */
  function keys(fields: string, indicator: string, plan = bare, octets = 8): string {
    const layout = layoutOf(fields)
    const context = contextOf({
      templateIds: { exportedId: () => 300, layoutOf: id => (id === 256 ? layout : undefined) }
    })
    const text = normalisedText(`145:2 | 173:${octets}`, `0100 ${indicator.padStart(2 * octets, '0')}`, plan, context)
    return /012c([0-9a-f]{16})/.exec(text)?.[1].replace(/^0+(?=.)/, '') ?? ''
  }

  test('T26 V37: the bit of a field goes where the field goes', () => {
    // 12 8 7 becomes 8 12 7.
    assert.equal(keys('12:4 8:4 7:2', '1'), '2')
    assert.equal(keys('12:4 8:4 7:2', '3'), '3')
    assert.equal(keys('12:4 8:4 7:2', '5'), '6')
    assert.equal(keys('8:4 12:4 2:4 1:4', '3'), '3')
    assert.equal(keys('8:4 12:4 2:4 1:4', '3', bare, 1), '3')
  })

  test('a time that becomes another form stays a key, padding that goes is none', () => {
    assert.equal(keys('210:2 8:4 22:4 150:4', 'f'), '3')
    assert.equal(keys('210:2 8:4 150:4', '4'), '1')
  })

  test('elements of two fields before a key are counted as two', () => {
    const plan = { ...bare, sampling: true }
    // 34 becomes 305 and 306, which stand before 403: 8 305 306 403.
    assert.equal(keys('34:4 403:4 8:4', '6', plan), '9')
  })

  test('fields 32 to 63 have bits, later ones none', () => {
    const fields = Array.from({ length: 70 }, (_, index) => `32473.${index + 1}:1`).join(' ')
    assert.equal(keys(fields, 'ffffffffffffffff'), 'ffffffffffffffff')
    assert.equal(keys(fields, '8000000100000000'), '8000000100000000')
    // 8 comes before all of them, and moves the last one beyond the 64 bits.
    assert.equal(
      keys(`${fields.split(' ').slice(0, 63).join(' ')} 32473.64:1 8:4`, 'c000000000000000'),
      '8000000000000000'
    )
  })

  test('T27 T28 R7011-4.4-2: bits beyond the fields, and keys of a template that is not known, are none', () => {
    assert.equal(keys('12:4 8:4', 'fc'), '0')
    assert.equal(
      normalisedText(
        '145:2 | 173:8',
        '03e7 0000000000000003',
        bare,
        contextOf({ templateIds: { exportedId: () => 0 } })
      ),
      '145:2 | 173:8 = 00000000000000000000'
    )
  })

  test('without the id of a template, or beside a list, whose ids are those of original templates, they stay', () => {
    const context = contextOf({ templateIds: { exportedId: () => 300, layoutOf: () => layoutOf('12:4 8:4') } })
    assert.equal(
      normalisedText('149:4 | 173:8', '00000001 0000000000000001'),
      '149:4 | 173:8 = 000000010000000000000001'
    )
    assert.equal(
      normalisedText('145:2 | 173:8 291:65535', '0100 0000000000000001 05ff00d20001', bare, context),
      '145:2 | 173:8 291:65535 = 012c000000000000000105ff00d20001'
    )
  })
})

describe('lineage', () => {
  test('R7119-5-1: exporter, domain and time of collection are appended', () => {
    assert.equal(
      normalisedText('8:4', '0a000001', lineage),
      '8:4 403:4 405:4 258:8 = 0a000001c0000201000000070000018bcfe56ddc'
    )
  })

  test('R7119-5-1: an IPv6 exporter is told by 404', () => {
    assert.equal(
      normalisedText('8:4', '0a000001', lineage, ipv6Context),
      '8:4 404:16 405:4 258:8 = 0a00000120010db8000000000000000000000001000000070000018bcfe56ddc'
    )
  })

  test('R7119-5-2: an incoming 403 or 404 wins, once, whatever the address of the sender', () => {
    assert.equal(
      normalisedText('403:4 8:4', '01010101 0a000001', lineage, ipv6Context),
      '8:4 403:4 405:4 258:8 = 0a00000101010101000000070000018bcfe56ddc'
    )
    assert.equal(
      normalisedText('404:16', '11'.repeat(16), lineage),
      `404:16 405:4 258:8 = ${'11'.repeat(16)}000000070000018bcfe56ddc`
    )
  })

  test('R7119-6-3: incoming 405 and 258 are not changed', () => {
    assert.equal(
      normalisedText('405:4 258:8', '00000063 0000000000000001', lineage),
      '403:4 405:4 258:8 = c0000201000000630000000000000001'
    )
  })

  test('a 403 of zero octets says nothing and does not win', () => {
    assert.equal(
      normalisedText('403:0 8:4', '0a000001', lineage),
      '8:4 403:4 405:4 258:8 = 0a000001c0000201000000070000018bcfe56ddc'
    )
  })

  test('a 403 of a length that no address has does not make an IPv6 exporter an IPv4 one', () => {
    assert.equal(
      normalisedText('403:3 8:4', '010101 0a000001', lineage, ipv6Context),
      '8:4 404:16 405:4 258:8 = 0a00000120010db8000000000000000000000001000000070000018bcfe56ddc'
    )
  })

  test('R7119-opt-1: in options records the exporter and its domain are the last scope fields', () => {
    assert.equal(
      normalisedText('302:8 | 84:4', '0000000000000005 61626364', lineage),
      '302:8 403:4 405:4 | 84:4 258:8 = 0000000000000005c000020100000007616263640000018bcfe56ddc'
    )
  })

  test('R3954-6.1-3 D12: the System scope of NetFlow v9 without octets becomes the exporter', () => {
    assert.equal(
      normalisedText('144:0 | 41:4', '00000009', lineage),
      '403:4 405:4 | 41:8 258:8 = c00002010000000700000000000000090000018bcfe56ddc'
    )
    assert.equal(normalisedText('144:0 | 41:4', '00000009'), '130:4 | 41:8 = c00002010000000000000009')
    assert.equal(
      normalisedText('144:0 | 41:4', '00000009', bare, ipv6Context),
      `131:16 | 41:8 = 20010db8${'0'.repeat(23)}10000000000000009`
    )
  })

  test('an options record keeps a scope even if its own is padding or illegal', () => {
    assert.equal(
      normalisedText('10:8 | 41:8', '0000000000000001 0000000000000002'),
      '130:4 | 41:8 = c00002010000000000000002'
    )
  })
})
