import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseTemplateKey, templateKeyOf } from '../src/template-key.ts'

test('a template is named by its scope, domain and id, and the name leads back', () => {
  const scope = 'udp/10/ipfix-udp/2001:db8::1/49152'
  const key = templateKeyOf(scope, 4_294_967_295, 65_535)
  assert.match(key, /^[A-Za-z0-9_-]+$/)
  assert.deepEqual(parseTemplateKey(key), { scope, odid: 4_294_967_295, templateId: 65_535 })
  assert.equal(parseTemplateKey(templateKeyOf('a|b', 1, 256))?.scope, 'a|b')
})

test('what is no name is none', () => {
  const encoded = (text: string): string => Buffer.from(text).toString('base64url')
  for (const key of [
    '',
    '!',
    'x',
    encoded('a|1'),
    encoded('a|4294967296|256'),
    encoded('a|1|65536'),
    encoded('|1|256')
  ]) {
    assert.equal(parseTemplateKey(key), undefined, key)
  }
  assert.equal(parseTemplateKey(`${templateKeyOf('a', 1, 256)}=`), undefined, 'one name each')
  assert.equal(parseTemplateKey('A'.repeat(2_000)), undefined)
})
