import { connect } from '@nats-io/transport-node'
import { Kvm, type KV } from '@nats-io/kv'
import { systemClock, type Clock } from '@weir/runtime'
import type { NatsServer } from '../../../../test/support/nats-server.ts'
import type { TemplateStore } from '../../src/index.ts'
import { createNatsTemplateStore, type NatsTemplateStoreOptions } from '../../src/nats.ts'

/** The clock of this machine, but that the entries of the tests were seen a moment ago; and it can be moved on. */
export class EntryClock implements Clock {
  #offsetMs = 1_700_000_070_000 - Date.now()
  readonly monotonicMs = systemClock.monotonicMs
  readonly setTimer = systemClock.setTimer
  readonly setPeriodic = systemClock.setPeriodic

  nowMs(): number {
    return Date.now() + this.#offsetMs
  }

  advance(ms: number): void {
    this.#offsetMs += ms
  }
}

let buckets = 0
export const newBucket = (): string => `b${++buckets}`

/** A store with time enough for a busy machine; not started. */
export function natsStore(server: NatsServer, options: Partial<NatsTemplateStoreOptions> = {}): TemplateStore {
  return createNatsTemplateStore({
    servers: [server.url],
    bucket: newBucket(),
    clock: new EntryClock(),
    timeoutMs: 5000,
    connectTimeoutMs: 5000,
    flushMs: 1,
    ...options
  })
}

/** The bucket as an operator, or somebody who should not, gets at it. */
export async function withBucket<T>(server: NatsServer, bucket: string, use: (kv: KV) => Promise<T>): Promise<T> {
  const connection = await connect({ servers: server.url })
  try {
    return await use(await new Kvm(connection).open(bucket))
  } finally {
    await connection.close()
  }
}

export async function keysOf(kv: KV): Promise<string[]> {
  const keys: string[] = []
  for await (const key of await kv.keys()) keys.push(key)
  return keys
}

/** A bucket that an operator made, with a bound. */
export async function makeBucket(server: NatsServer, bucket: string, maxOctets: number): Promise<void> {
  const connection = await connect({ servers: server.url })
  try {
    await new Kvm(connection).create(bucket, { history: 1, max_bytes: maxOctets })
  } finally {
    await connection.close()
  }
}

export async function serverVersion(server: NatsServer): Promise<string> {
  const connection = await connect({ servers: server.url })
  const version = connection.info!.version
  await connection.close()
  return version
}
