import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { html } from '../../src/html/markup.ts'
import { duration, exact, percent, short, withUnit } from '../../src/html/quantity.ts'

describe('html', () => {
  test('escapes what is put in, in text and in attributes', () => {
    const hostile = `"><img src=x onerror='alert(1)'>&`
    assert.equal(
      html`<b title="${hostile}">${hostile}</b>`.text,
      '<b title="&quot;&gt;&lt;img src=x onerror=&#39;alert(1)&#39;&gt;&amp;">&quot;&gt;&lt;img src=x onerror=&#39;alert(1)&#39;&gt;&amp;</b>'
    )
  })

  test('shows controls, separators of lines and marks of direction as escapes', () => {
    assert.equal(html`${'a\r\n\u001b[2J\u202eb\u2028c\u0000'}`.text, 'a\\u000d\\u000a\\u001b[2J\\u202eb\\u2028c\\u0000')
  })

  test('takes markup, lists of it and numbers as they are, and leaves out what is not there', () => {
    assert.equal(html`${[html`<i>1</i>`, 2, ['<']]}${null}${undefined}${false}${0}`.text, '<i>1</i>2&lt;0')
  })
})

describe('quantities', () => {
  test('are short and have their unit', () => {
    const texts = [0, 7, 999, 999.6, 1234, 12_345, 999_499, 999_500, 1.5e9, 0.126, 2e20, Infinity].map(short)
    assert.deepEqual(texts, [
      '0',
      '7',
      '999',
      '1.00 k',
      '1.23 k',
      '12.3 k',
      '999 k',
      '1.00 M',
      '1.50 G',
      '0.13',
      '200 E',
      '–'
    ])
    assert.deepEqual([withUnit(12, 'B'), withUnit(1200, 'B')], ['12 B', '1.20 kB'])
    assert.equal(exact(1_234_567), '1,234,567')
  })

  test('tell shares and times', () => {
    const shares = [percent(1, 3), percent(1, 1), percent(0, 9), percent(1, 10_000), percent(1, 0)]
    assert.deepEqual(shares, ['33.3 %', '100 %', '0 %', '< 0.1 %', '–'])
    assert.deepEqual(
      [duration(12), duration(34_500), duration(7_500_000), duration(90_061_000)],
      ['12 ms', '34 s', '2 h 5 min', '1 d 1 h']
    )
  })
})
