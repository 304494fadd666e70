import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { absent } from '../../../test/support/debian-tools.ts'
import { NatsServer } from '../../../test/support/nats-server.ts'
import { NatsBucket, type NatsBucketOptions } from '../src/nats-bucket.ts'

const options: NatsBucketOptions = {
  bucket: 'shared',
  description: 'a bucket that pods share',
  replicas: 1,
  ttlMs: 600_000,
  knownIdsMs: 600_000,
  timeoutMs: 5_000
}

/** As `connection`, but what `first` does happens before a stream is made over it. */
const makesAfter = (connection: NatsConnection, first: () => Promise<unknown>): NatsConnection =>
  new Proxy(connection, {
    get(target, name) {
      if (name === 'request') {
        return async (...request: Parameters<NatsConnection['request']>) => {
          if (request[0].includes('.STREAM.CREATE.')) await first()
          return target.request(...request)
        }
      }
      const value = Reflect.get(target, name) as unknown
      return typeof value === 'function' ? value.bind(target) : value
    }
  })

test(
  'a bucket that another pod makes and changes, after this one looked and before it made it, is one for both',
  { skip: absent('nats-server') },
  async () => {
    const server = await NatsServer.start()
    const ours = await connect({ servers: server.url })
    const theirs = await connect({ servers: server.url })
    try {
      let their: NatsBucket | undefined
      const slow = makesAfter(ours, async () => (their ??= await NatsBucket.open(theirs, options)))
      const our = await NatsBucket.open(slow, options)
      await our.add('key', Buffer.from('octets'), 'id')
      assert.equal(Buffer.from((await their!.getFromLeader('key'))!.octets).toString(), 'octets')
    } finally {
      await ours.close()
      await theirs.close()
      await server.kill()
    }
  }
)
