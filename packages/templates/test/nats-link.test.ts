import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test, type TestContext } from 'node:test'
import { CertificateAuthority } from '../../../test/support/certificates.ts'
import { absent } from '../../../test/support/debian-tools.ts'
import { freePort } from '../../../test/support/free-port.ts'
import { NatsServer } from '../../../test/support/nats-server.ts'
import { until } from '../../../test/support/until.ts'
import type { TemplateStore } from '../src/index.ts'
import type { NatsTemplateStoreOptions } from '../src/nats.ts'
import { shelvedSet, storedTemplate } from './support/entries.ts'
import { natsStore, newBucket, serverVersion } from './support/nats-fixture.ts'
import { makeOperator } from './support/nats-operator.ts'

const place = { scope: storedTemplate().scope, odid: 1 }

async function isUsable(store: TemplateStore): Promise<boolean> {
  await store.start()
  store.put([storedTemplate()])
  await store.flush()
  const [{ entries }] = await store.read([place])
  return entries.length === 1
}

describe('a connection', { skip: absent('nats-server', 'openssl') }, () => {
  async function tried(
    context: TestContext,
    server: NatsServer,
    options: Partial<NatsTemplateStoreOptions>
  ): Promise<{ usable: boolean; failures: string[] }> {
    const failures: string[] = []
    const onFailure = (error: Error): void => void failures.push(error.message)
    const store = natsStore(server, { connectTimeoutMs: 1000, onFailure, ...options })
    context.after(() => store.close())
    return { usable: await isUsable(store), failures }
  }

  test('by TLS knows the server by its authority and its name, and shows its own certificate', async context => {
    const authority = new CertificateAuthority()
    const { certFile, keyFile } = authority.issue('nats.test')
    const files = `cert_file: ${certFile}, key_file: ${keyFile}, ca_file: ${authority.caFile}`
    const server = await NatsServer.start({ config: `tls { ${files}, verify: true }` })
    context.after(() => server.kill())
    const own = authority.issue('pod.test')
    const tls = {
      ca: authority.caPem,
      cert: readFileSync(own.certFile, 'utf8'),
      key: readFileSync(own.keyFile, 'utf8'),
      serverName: 'nats.test'
    }
    assert.deepEqual(await tried(context, server, { tls }), { usable: true, failures: [] })
    for (const wrong of [
      { ...tls, serverName: undefined },
      { ...tls, ca: new CertificateAuthority().caPem },
      { ...tls, cert: undefined, key: undefined },
      undefined
    ]) {
      const { usable, failures } = await tried(context, server, { tls: wrong })
      assert.equal(usable, false)
      assert.equal(failures.length, 1)
    }
  })

  test('is let in by credentials, and by no others', async context => {
    const { config, credentials } = makeOperator()
    const server = await NatsServer.start({ config })
    context.after(() => server.kill())
    assert.deepEqual(await tried(context, server, { credentials }), { usable: true, failures: [] })
    for (const wrong of [undefined, makeOperator().credentials]) {
      assert.equal((await tried(context, server, { credentials: wrong })).usable, false)
    }
  })
})

describe('a cluster of three', { skip: absent('nats-server') }, () => {
  test('keeps three replicas, and goes on when one of them is killed', { timeout: 120_000 }, async context => {
    const ports = [await freePort(), await freePort(), await freePort()]
    const routes = ports.map(port => `nats://127.0.0.1:${port}`)
    const servers = await Promise.all(
      ports.map((port, index) => NatsServer.start({ cluster: { serverName: `n${index}`, port, routes } }))
    )
    const failures: string[] = []
    const onFailure = (error: Error): void => void failures.push(error.message)
    const options = { bucket: newBucket(), replicas: 3, servers: servers.map(server => server.url), onFailure }
    const [first, second] = [natsStore(servers[0], options), natsStore(servers[0], options)]
    context.after(async () => {
      await Promise.all([first.close(), second.close()])
      await Promise.all(servers.map(server => server.kill()))
    })
    await Promise.all([first.start(), second.start()])
    await until('both are connected', () => first.health === 'up' && second.health === 'up', 60_000)
    const ids = (from: number): number[] => Array.from({ length: 20 }, (_, index) => from + index)
    const putAll = async (from: number): Promise<void> => {
      for (const templateId of ids(from)) (templateId % 2 === 0 ? first : second).put([storedTemplate({ templateId })])
      await until('all is written', async () => {
        await Promise.all([first.flush(), second.flush()])
        return first.stats.unflushed + second.stats.unflushed === 0
      })
    }
    const count = async (store: TemplateStore): Promise<number> => (await store.read([place]))[0].entries.length
    await putAll(256)
    await until('both read all', async () => (await count(first)) === 20 && (await count(second)) === 20)
    await servers[1].kill()
    await until('both are connected', () => first.health === 'up' && second.health === 'up', 60_000)
    await until('both write', () => putAll(300).then(() => true), 60_000)
    await until('both read all', async () => (await count(first)) === 40 && (await count(second)) === 40, 60_000)
    if ((await serverVersion(servers[0])).startsWith('2.9.')) {
      assert.equal(await first.shelf!.put([shelvedSet()], 'batch'), 0)
      assert.ok(failures.some(message => message.includes('2.10')))
    } else {
      assert.equal(await first.shelf!.put([shelvedSet()], 'batch'), 1)
      const claim = await second.shelf!.claim(place, 256, 'second')
      assert.equal(await claim.done(), true)
      assert.equal(claim.sets.length, 1)
    }
  })
})
