import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { resolveConfig } from '@weir/config'
import { readTar } from '../../../test/support/tar-reader.ts'
import { Redaction } from '../src/support/redaction.ts'
import { tarOf } from '../src/support/tar.ts'
import { startPod } from './support/pod-fixture.ts'

test('an archive is read back as it was written, whatever the lengths', () => {
  const files = [0, 1, 511, 512, 513, 100_000].map(length => ({
    name: `folder/${length}.bin`,
    content: Buffer.alloc(length, length % 251)
  }))
  const read = readTar(tarOf(files, 1_700_000_000_000))
  assert.deepEqual(
    [...read.keys()],
    files.map(({ name }) => name)
  )
  for (const { name, content } of files) assert.ok(read.get(name)!.equals(content), name)
})

test('a bundle has all parts, and names those that cannot be had; one at a time', async t => {
  const pod = await startPod({ destinations: [{ id: 'out', type: 'ipfix', url: 'tcp://127.0.0.1:4750' }] })
  t.after(() => pod.stop())
  const get = async () => {
    const answer = await fetch(`${pod.url}/v1/support-bundle`, { method: 'POST' })
    assert.deepEqual([answer.status, answer.headers.get('content-type')], [200, 'application/gzip'])
    assert.match(
      answer.headers.get('content-disposition')!,
      /^attachment; filename="weir-support-\d{8}T\d{6}Z\.tar\.gz"$/
    )
    return readTar(gunzipSync(Buffer.from(await answer.arrayBuffer())))
  }
  const json = (files: ReadonlyMap<string, Buffer>, name: string) =>
    JSON.parse(String(files.get(`weir-support/${name}`)))
  const alone = json(await get(), 'manifest.json')
  const failed = (manifest: { files: { name: string; error: string | null }[] }): string[] =>
    manifest.files.filter(({ error }) => error !== null).map(({ name }) => name)
  assert.ok(failed(alone).includes('exporters.json') && failed(alone).includes('metrics/mediator.txt'))
  assert.ok(alone.unready.length > 0)

  await pod.connect('collector', 'mediator')
  const files = await get()
  assert.deepEqual(failed(json(files, 'manifest.json')), ['metrics/collector.txt', 'metrics/mediator.txt'], 'stand-ins')
  assert.equal(json(files, 'config.json').destinations[0].id, 'out')
  assert.equal(json(files, 'ledger.json').collector.messages.received, 10)
  assert.equal(json(files, 'exporters.json').exporters.length, 3)
  assert.equal(json(files, 'templates.json').templates.length, 5)
  assert.equal(json(files, 'pipeline.json').edges.length > 0, true)
  assert.equal(json(files, 'os.json').node.version, process.version)
  assert.match(json(files, 'os.json').sysctl['net.core.rmem_max'], /^\d+$/)
  assert.match(String(files.get('weir-support/metrics/coordinator.txt')), /^# HELP weir_coordinator_/m)
  const both = await Promise.all([1, 2].map(() => fetch(`${pod.url}/v1/support-bundle`, { method: 'POST' })))
  assert.deepEqual(both.map(({ status }) => status).toSorted(), [200, 429])
})

test('secrets go: what files hold, what keys name, and what looks like one', t => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-redaction-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const passwordFile = join(folder, 'password')
  writeFileSync(passwordFile, 'line-one "quoted"\nhunter2-hunter2\n')
  writeFileSync(join(folder, 'admin.key'), 'wk_admin_0123456789\n')
  const { config } = resolveConfig({ stateDir: folder, stores: { templates: { type: 'redis', passwordFile } } })
  const redaction = new Redaction(config)
  const redacted = JSON.stringify(
    redaction.json({
      path: passwordFile,
      said: ['it was hunter2-hunter2, no?', 'line-one "quoted"', 'Authorization: Bearer abcdef.ghijkl-012345'],
      password: 'anything',
      clientSecret: 'else',
      url: 'nats://user:pa55@host:4222 and https://hooks.example/T0/B1?token=zzz',
      token: 7,
      wk_admin_0123456789: true,
      pem: '-----BEGIN EC PRIVATE KEY-----\nabc\n-----END EC PRIVATE KEY-----',
      jwt: 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl'
    })
  )
  for (const secret of [
    'hunter2',
    'line-one',
    'abcdef',
    'anything',
    'else"',
    'pa55',
    'zzz',
    'wk_admin',
    'abc',
    'eyJ'
  ]) {
    assert.ok(!redacted.includes(secret), `${secret} in ${redacted}`)
  }
  assert.ok(redacted.includes(JSON.stringify(passwordFile)), 'where the file is, is no secret')
  assert.ok(redacted.includes('"token":7'))
})
