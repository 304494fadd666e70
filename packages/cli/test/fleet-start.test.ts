import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fleetHash, hashOf, loadConfig, openRevisions } from '@weir/config'
import type { WeirConfig } from '@weir/config'
import { RedisRevisionStore } from '@weir/templates/redis'
import { absent } from '../../../test/support/debian-tools.ts'
import { RedisServer } from '../../../test/support/redis-server.ts'
import { loadDocument } from '../src/process-document.ts'

const skip = absent('redis-server', 'redis-cli')

test(
  'a process alone starts from the newest revision of the fleet; without the store, from the last one on disk',
  { skip },
  async t => {
    const folder = mkdtempSync(join(tmpdir(), 'weir-fleet-start-'))
    t.after(() => rmSync(folder, { recursive: true, force: true }))
    const server = await RedisServer.start()
    const file = join(folder, 'weir.yaml')
    const stateDir = join(folder, 'var')
    const revisions = { type: 'redis', nodes: [`127.0.0.1:${server.port}`], connectTimeoutMs: 500 }
    writeFileSync(file, JSON.stringify({ stateDir, coordinator: { port: 7001 }, stores: { revisions } }))
    const { config, ownKeys } = await loadConfig(file)
    const baseHash = fleetHash(config, ownKeys)
    const options = {
      mode: 'single',
      nodes: [server],
      prefix: 'weir',
      timeoutMs: 1_000,
      connectTimeoutMs: 5_000
    } as const
    const store = new RedisRevisionStore<WeirConfig>({ ...options, hashOf })
    t.after(() => store.close())
    await store.start()
    const levels = async (): Promise<unknown[]> => {
      const { config: taken, base } = await loadDocument('collector', { config: file })
      return [taken.log.level, taken.link.batchAgeMs, taken.coordinator.port, base!.log.level]
    }
    assert.deepEqual(await levels(), ['info', 20, 7001, 'info'], 'there is no revision')

    // Made by a pod with another port; it has keys that only a restart changes.
    const made = {
      ...config,
      coordinator: { ...config.coordinator, port: 7002 },
      link: { ...config.link, batchAgeMs: 33 }
    }
    const note = { author: 'x', atMs: 1, reason: '', baseHash }
    const first = await store.append({ ...note, document: made }, -1)
    assert.deepEqual(await levels(), ['info', 33, 7001, 'info'])
    const local = openRevisions(stateDir)
    local.keepFleetRecord({ revision: first, baseHash })
    await local.close()
    await store.append({ ...note, document: { ...made, log: { level: 'warn' } } }, 0)
    assert.deepEqual(await levels(), ['warn', 33, 7001, 'info'])

    await server.kill()
    assert.deepEqual(await levels(), ['info', 33, 7001, 'info'], 'the last one on disk')
    await server.start()
    assert.deepEqual(await levels(), ['info', 33, 7001, 'info'], 'the store has lost all')

    // The file was changed since: that is newer than what the fleet has.
    writeFileSync(file, JSON.stringify({ stateDir, log: { level: 'error' }, stores: { revisions } }))
    assert.deepEqual((await levels()).slice(0, 2), ['error', 20])
  }
)
