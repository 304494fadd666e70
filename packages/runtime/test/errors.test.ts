import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigError, InvariantError, PeerError, errorCode, errorMessage, listenError } from '../src/index.ts'

test('a configuration error names every issue with path and what is allowed', () => {
  const error = new ConfigError(
    [
      { path: 'a.b', message: 'is wrong', allowed: '1..2' },
      { path: '', message: 'is empty' }
    ],
    'x.yaml'
  )
  assert.equal(error.message, 'x.yaml has 2 errors\n  a.b: is wrong (allowed: 1..2)\n  (document): is empty')
  assert.deepEqual([error.exitCode, error.code, error.name], [78, 'CONFIG_INVALID', 'ConfigError'])
})

test('every class has its exit code', () => {
  assert.deepEqual([new PeerError('AWAY', '').exitCode, new InvariantError('').exitCode], [69, 70])
})

test('a failed listen says what to do', () => {
  const known = listenError(Object.assign(new Error('x'), { code: 'EACCES' }), 'TCP listener a', '[::]:80')
  assert.equal(known.message, 'TCP listener a: [::]:80 may not be bound by this user; use a port of 1024 or above')
  assert.equal(listenError(new Error('odd'), 'b', 'c').message, 'b: c cannot be listened on: odd')
})

test('code and message of anything thrown', () => {
  assert.deepEqual(
    [errorCode('x'), errorCode({ code: 1 }), errorCode(null), errorMessage('x')],
    [undefined, undefined, undefined, 'x']
  )
})
