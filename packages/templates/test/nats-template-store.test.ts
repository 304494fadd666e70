import { after, before, describe } from 'node:test'
import { systemClock, type Clock } from '@weir/runtime'
import { absent } from '../../../test/support/debian-tools.ts'
import { NatsServer } from '../../../test/support/nats-server.ts'
import { createNatsTemplateStore, type NatsTemplateStoreOptions, type TemplateStore } from '../src/index.ts'
import { describeStore } from './support/store-contract.ts'

const skip = absent('nats-server')
/** The entries of the tests were seen then. */
const offsetMs = 1_700_000_070_000 - Date.now()
const clock: Clock = { ...systemClock, nowMs: () => Date.now() + offsetMs }
let server: NatsServer
let buckets = 0

function makeStore(options: Partial<NatsTemplateStoreOptions> = {}): TemplateStore {
  const bucket = `b${++buckets}`
  return createNatsTemplateStore({ servers: [server.url], bucket, clock, timeoutMs: 5000, flushMs: 1, ...options })
}

describe('NATS', { skip }, () => {
  before(async () => {
    server = await NatsServer.start()
  })
  after(async () => {
    await server.kill()
  })

  describeStore('NATS', makeStore)
})
