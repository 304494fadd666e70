import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { ConfigError } from '@weir/runtime'
import {
  applyRevision,
  formerRevisionPath,
  hashOf,
  effectiveDocumentPath,
  loadConfig,
  openRevisions,
  podKeys,
  overridesOf,
  readEffectiveDocument,
  resolveConfig,
  revisionsPath,
  setRevisionAside,
  validateDestination,
  writeEffectiveDocument
} from '../src/index.ts'
import type { Destination, ResolvedConfig, WeirConfig } from '../src/index.ts'

let folder: string
let resolved: ResolvedConfig
const destination = validateDestination({ id: 'added', type: 'ipfix', url: 'tcp://192.0.2.1' })
  .destination as Destination

const writeFormer = (value: object): Promise<void> => writeFile(formerRevisionPath(folder), JSON.stringify(value))

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'weir-config-'))
  resolved = resolveConfig({ stateDir: folder })
})
afterEach(() => rm(folder, { recursive: true, force: true }))

test('without a revision the file rules', async () => {
  const { config, origin } = await applyRevision(resolved.config, resolved.baseHash)
  assert.deepEqual([config, origin], [resolved.config, 'file'])
})

test('what an earlier version kept of this document is taken', async () => {
  await writeFormer({ baseHash: resolved.baseHash, destinations: [destination] })
  const { config, origin } = await applyRevision(resolved.config, resolved.baseHash)
  assert.equal(origin, 'former')
  assert.deepEqual(config.destinations, [destination])
})

test('a revision of another document is not taken, and can be set aside', async () => {
  await writeFormer({ baseHash: 'another', destinations: [destination] })
  const { config, origin, reason } = await applyRevision(resolved.config, resolved.baseHash)
  assert.deepEqual([config.destinations, origin, reason], [[], 'not-taken', 'the configuration has changed since'])
  const aside = await setRevisionAside(formerRevisionPath(folder), 1_767_225_600_000)
  assert.equal(aside, `${formerRevisionPath(folder)}.20260101T000000Z.old`)
  assert.ok(existsSync(aside))
  assert.equal(await setRevisionAside(formerRevisionPath(folder), 0), undefined)
})

for (const [name, text] of [
  ['not JSON', '{'],
  ['null', 'null'],
  ['no list', '{"baseHash":"x","destinations":{}}']
]) {
  test(`rejects a damaged revision: ${name}`, async () => {
    await writeFile(formerRevisionPath(folder), text!)
    assert.deepEqual(await applyRevision(resolved.config, resolved.baseHash), {
      config: resolved.config,
      origin: 'not-taken',
      reason: 'it is damaged'
    })
  })
}

test('rejects a revision with a destination that is not allowed', async () => {
  const loop = { ...destination, url: 'tcp://127.0.0.1:4739' }
  await writeFormer({ baseHash: resolved.baseHash, destinations: [loop] })
  const { origin, reason } = await applyRevision(resolved.config, resolved.baseHash)
  assert.equal(origin, 'not-taken')
  assert.match(reason ?? '', /our own listener/)
})

test('the base hash changes with the content and not with runDir or the order of keys', () => {
  const one = resolveConfig({ stateDir: 'x', coordinator: { port: 1 } })
  assert.equal(resolveConfig({ coordinator: { port: 1 }, stateDir: 'x', runDir: '/run/weir' }).baseHash, one.baseHash)
  assert.notEqual(resolveConfig({ coordinator: { port: 2 }, stateDir: 'x' }).baseHash, one.baseHash)
})

test('the effective document is read back as it was written, for its owner only', async () => {
  const ownKeys = [...podKeys, 'collector.listeners']
  const written = { config: { ...resolved.config, runDir: folder }, baseHash: resolved.baseHash, ownKeys }
  const path = await writeEffectiveDocument(folder, written)
  assert.equal(path, effectiveDocumentPath(folder))
  assert.equal((await stat(path)).mode & 0o777, 0o600)
  assert.deepEqual(await readEffectiveDocument(path), written)
})

test('rejects an effective document that somebody damaged', async () => {
  const path = effectiveDocumentPath(folder)
  for (const text of ['{', '{"config":{}}', '{"baseHash":"x","config":{"colector":{}}}']) {
    await writeFile(path, text)
    await assert.rejects(readEffectiveDocument(path), ConfigError)
  }
})

test('rejects a configuration file that is not there with one sentence', async () => {
  const path = join(folder, 'weir.yaml')
  await assert.rejects(loadConfig(path), {
    name: 'CodedError',
    exitCode: 78,
    message: `configuration ${path}: there is no such file`
  })
})

test('a configuration file is named in its errors', async () => {
  const path = join(folder, 'weir.yaml')
  await writeFile(path, 'log: { level: loud }\n')
  await assert.rejects(loadConfig(path), {
    name: 'ConfigError',
    exitCode: 78,
    message: new RegExp(`^${path} has 1 error\n`)
  })
  assert.match(await readFile(path, 'utf8'), /loud/)
})

test('what was said of exporters comes back, and a wrong word of it takes the revision out', async () => {
  const exporters = { '192.0.2.1': { scope: 'address' }, '2001:db8::1': { resumeTemplates: true } } as const
  await writeFormer({ baseHash: resolved.baseHash, destinations: [], exporters })
  assert.deepEqual(overridesOf((await applyRevision(resolved.config, resolved.baseHash)).config), exporters)
  for (const wrong of [
    { '192.0.2.1': { scope: 'planet' } },
    { '192.0.2.1': { scope: 'certificate' } },
    { '192.0.2.1': { resumeTemplates: 1 } },
    { '192.0.2.1': { colour: 'red' } },
    { nobody: {} },
    { '2001:DB8::1': {} },
    []
  ]) {
    await writeFormer({ baseHash: resolved.baseHash, destinations: [], exporters: wrong as never })
    const { origin, config } = await applyRevision(resolved.config, resolved.baseHash)
    assert.deepEqual([origin, overridesOf(config)], ['not-taken', {}], JSON.stringify(wrong))
  }
})

const noted = (document: WeirConfig, baseHash: string) => ({ author: 'a', reason: 'r', atMs: 1, baseHash, document })

test('the newest revision of this very document is taken; runDir and stateDir are those of this start', async () => {
  const { config, baseHash } = resolved
  const store = openRevisions(folder)
  await store.append(noted(config, baseHash), -1)
  await store.append(noted({ ...config, destinations: [destination], stateDir: '/elsewhere' }, baseHash), 0)
  await store.close()
  const started = { ...config, runDir: '/run/here' }
  const revised = await applyRevision(started, baseHash)
  assert.deepEqual(revised, { origin: 'revision', config: { ...started, destinations: [destination] } })
  const other = await applyRevision(config, 'another')
  assert.deepEqual([other.origin, other.config], ['not-taken', config])
})

test('a revision that is not allowed any more is not taken, and a damaged file is said to be damaged', async () => {
  const { config, baseHash } = resolved
  const store = openRevisions(folder)
  await store.append(noted({ ...config, colour: 'red' } as never, baseHash), -1)
  await store.close()
  const wrong = await applyRevision(config, baseHash)
  assert.deepEqual([wrong.origin, wrong.config], ['not-taken', config])
  assert.match(wrong.reason!, /revision 0 is wrong: colour/)
  await writeFile(revisionsPath(folder), 'no database at all, and long enough to be none of SQLite'.repeat(20))
  const damaged = await applyRevision(config, baseHash)
  assert.deepEqual([damaged.origin, damaged.config], ['damaged', config])
})

test('a key that came later and says nothing leaves the base hash as it was; one that says something does not', () => {
  // As a version wrote it that knew no other keys.
  assert.equal(resolved.baseHash, hashOf({ stateDir: folder }))
  const listeners = [{ name: 'u', transport: 'udp', port: 4700 }]
  const { baseHash } = resolveConfig({ collector: { listeners }, stores: { templates: { type: 'redis' } } })
  assert.equal(baseHash, hashOf({ collector: { listeners }, stores: { templates: { type: 'redis' } } }))
  const exporterOverrides = [{ address: '192.0.2.1', scope: 'address' }]
  assert.notEqual(resolveConfig({ stateDir: folder, collector: { exporterOverrides } }).baseHash, resolved.baseHash)
})
