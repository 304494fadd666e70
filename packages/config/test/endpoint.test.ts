import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatHostPort, parseEndpoint, validateDestination, resolveConfig } from '../src/index.ts'

test('reads scheme, host and port', () => {
  assert.deepEqual(parseEndpoint('tcp://192.0.2.1:4740', ['tcp']), { scheme: 'tcp', host: '192.0.2.1', port: 4740 })
  assert.deepEqual(parseEndpoint('UDP://[2001:db8::1]', ['udp'], 4739), {
    scheme: 'udp',
    host: '2001:db8::1',
    port: 4739
  })
  assert.deepEqual(parseEndpoint('udp://a_b.example.org:1/', ['udp']), {
    scheme: 'udp',
    host: 'a_b.example.org',
    port: 1
  })
})

for (const url of [
  '',
  'tcp',
  'tcp://',
  'tcp://a',
  'tcp://a:0',
  'tcp://a:65536',
  'tcp://a:1/b',
  'tcp://a:1?b',
  'tcp://a b:1',
  'tcp://[::1:1',
  'tcp://[192.0.2.1]:1',
  'tcp://2001:db8::1:1',
  'tcp://-a:1',
  'tcp://a..b:1',
  `tcp://${'a'.repeat(300)}:1`,
  'udp://a:1'
]) {
  test(`rejects ${JSON.stringify(url.slice(0, 40))}`, () => assert.equal(typeof parseEndpoint(url, ['tcp']), 'string'))
}

test('host and port in one text', () => {
  assert.deepEqual([formatHostPort('::1', 1), formatHostPort('a', 2)], ['[::1]:1', 'a:2'])
})

test('a destination may be changed without being taken for its own double', () => {
  const { config } = resolveConfig({ destinations: [{ id: 'a', type: 'json', target: 'stdout' }] })
  assert.deepEqual(validateDestination({ id: 'a', type: 'json', target: 'stdout' }, config).issues, [])
  assert.match(
    validateDestination({ id: 'b', type: 'json', target: 'stdout' }, config).issues[0]!.message,
    /a writes there/
  )
})
