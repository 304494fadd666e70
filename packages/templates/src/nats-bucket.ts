import {
  DeliverPolicy,
  JetStreamApiError,
  jetstream,
  jetstreamManager,
  type StreamConfig,
  type StreamUpdateConfig
} from '@nats-io/jetstream'
import { Kvm, type KV } from '@nats-io/kv'
import { headers as newHeaders, nanos, type Msg, type MsgHdrs, type NatsConnection } from '@nats-io/transport-node'

export interface NatsBucketOptions {
  /** Letters, digits, `-`, `_`. */
  readonly bucket: string
  readonly description: string
  readonly replicas: number
  /** Values not written for so long go. */
  readonly ttlMs: number
  /** A message id is known for so long; undefined: as the server has it. */
  readonly knownIdsMs?: number | undefined
  /** Of one call. */
  readonly timeoutMs: number
}

/** A value as it stands in the bucket. */
export interface BucketValue {
  readonly octets: Uint8Array
  /** Changes with each write. */
  readonly revision: number
  readonly headers: MsgHdrs | undefined
  /** When it was written, by the server's clock. */
  readonly writtenMs: number
}

/** What the index tells of a value: not its octets. */
export interface BucketIndexEntry {
  readonly key: string
  readonly revision: number
  readonly headers: MsgHdrs | undefined
  readonly writtenMs: number
}

/** The server has answered, with no: full, too large, forbidden. Asking again at once is of no use. */
export class NatsRefusal extends Error {
  override readonly name = 'NatsRefusal'
}

/** Making a consumer looks at every key; reading the index is for the start, where nobody waits. */
const INDEX_TIMEOUT_MS = 5_000
/** Asked for at once. */
const INDEX_MESSAGES = 500
/** Headers count as octets of a value too. */
const HEADER_OCTETS = 4096
/** Another value stands there, or is on its way to the replicas. */
const WRONG_LAST_SEQUENCES: ReadonlySet<number> = new Set([10071, 10164])
const NO_MESSAGE_FOUND = 10037
/** The name or the subjects are those of another stream, with another configuration. */
const ALREADY_MADE: ReadonlySet<number> = new Set([10058, 10065])
const MAKE_TRIES = 10
const EXPECTED_REVISION = 'Nats-Expected-Last-Subject-Sequence'

/**
 * A JetStream KV bucket over one connection, by its subjects: the client's own KV neither carries headers nor takes a
 * time-out for each read.
 */
export class NatsBucket {
  /** Different if it was deleted and made again. */
  readonly createdAt: string
  /** Of the first write after it was opened. */
  readonly nextRevision: number
  /** Revision of the last write of this process over this connection; 0 if there was none. */
  lastWritten = 0
  /** Octets that one value may have. */
  readonly maxValueOctets: number
  readonly #connection: NatsConnection
  readonly #stream: string
  readonly #subject: string
  readonly #timeoutMs: number
  readonly #isReplicated: boolean
  /**
   * Two writes of one revision may both succeed, and one of them be lost: replicas of servers before 2.10 check the revision
   * before they agree on an order (nats-server issue 4320).
   */
  readonly isWeak: boolean

  private constructor(
    connection: NatsConnection,
    options: NatsBucketOptions,
    createdAt: string,
    nextRevision: number,
    maxValueOctets: number
  ) {
    this.createdAt = createdAt
    this.nextRevision = nextRevision
    this.maxValueOctets = maxValueOctets
    this.#connection = connection
    this.#stream = `KV_${options.bucket}`
    this.#subject = `$KV.${options.bucket}.`
    this.#timeoutMs = options.timeoutMs
    this.#isReplicated = options.replicas > 1
    this.isWeak = this.#isReplicated && isBefore210(connection.info?.version)
  }

  /** Makes the bucket, or gives the one that is there the replicas and the time to live of these options. */
  static async open(connection: NatsConnection, options: NatsBucketOptions): Promise<NatsBucket> {
    const name = `KV_${options.bucket}`
    const wanted: Partial<StreamUpdateConfig> = {
      max_msgs_per_subject: 1,
      max_age: nanos(options.ttlMs),
      num_replicas: options.replicas,
      allow_direct: true,
      ...(options.knownIdsMs === undefined ? {} : { duplicate_window: nanos(options.knownIdsMs) })
    }
    const manager = await jetstreamManager(connection, { checkAPI: false })
    const make = (): Promise<KV> =>
      new Kvm(jetstream(connection)).create(options.bucket, {
        description: options.description,
        history: 1,
        ttl: options.ttlMs,
        replicas: options.replicas,
        allow_direct: true
      })
    const bucket = await unlessMadeMeanwhile(connection, make)
    let info = (await bucket.status()).streamInfo
    const isAsWanted = Object.entries(wanted).every(
      ([key, value]) => (info.config as Partial<Record<string, unknown>>)[key] === value
    )
    if (!isAsWanted) info = await manager.streams.update(name, { ...info.config, ...wanted } as StreamConfig)
    const { max_msg_size: maxMessageOctets } = info.config
    const maxPayloadOctets = connection.info?.max_payload ?? 1_048_576
    const maxOctets = maxMessageOctets > 0 ? Math.min(maxMessageOctets, maxPayloadOctets) : maxPayloadOctets
    return new NatsBucket(connection, options, info.created, info.state.last_seq + 1, maxOctets - HEADER_OCTETS)
  }

  /**
   * The value of a key. With replicas, from the one that decides about writes: another may be behind, and nobody would look
   * again soon.
   *
   * @returns undefined if there is none. @throws if nobody answers in time.
   */
  get(key: string): Promise<BucketValue | undefined> {
    return this.#isReplicated ? this.getFromLeader(key) : this.#getDirect(key)
  }

  async #getDirect(key: string): Promise<BucketValue | undefined> {
    const subject = `$JS.API.DIRECT.GET.${this.#stream}.${this.#subject}${key}`
    const answer = await this.#connection.request(subject, undefined, { timeout: this.#timeoutMs })
    const { headers } = answer
    if (headers === undefined || headers.code === 404) return undefined
    if (headers.code >= 300) throw new NatsRefusal(`${headers.code} ${headers.description}`)
    const revision = Number(headers.get('Nats-Sequence'))
    return { octets: answer.data, revision, headers, writtenMs: Date.parse(headers.get('Nats-Time-Stamp')) }
  }

  /** As {@link get}, from the server that decides about writes: slower, never behind. */
  async getFromLeader(key: string): Promise<BucketValue | undefined> {
    const subject = this.#subject + key
    const answer = await this.#connection.request(
      `$JS.API.STREAM.MSG.GET.${this.#stream}`,
      JSON.stringify({ last_by_subj: subject }),
      { timeout: this.#timeoutMs }
    )
    const { message, error } = parseAnswer(answer)
    if (error?.err_code === NO_MESSAGE_FOUND) return undefined
    if (error !== undefined || message === undefined) throw new NatsRefusal(error?.description ?? 'no message')
    return {
      octets: Buffer.from(message.data ?? '', 'base64'),
      revision: message.seq,
      headers: message.hdrs === undefined ? undefined : parseHeaders(message.hdrs),
      writtenMs: Date.parse(message.time)
    }
  }

  /**
   * Write a value if nobody wrote since.
   *
   * @param revision - of the value it takes the place of; 0 if there is none.
   * @returns its revision, or undefined if there is another value than of `revision` now.
   */
  async write(
    key: string,
    octets: Uint8Array,
    revision: number,
    headers: Readonly<Record<string, string>> = {}
  ): Promise<number | undefined> {
    const all = newHeaders()
    for (const [name, value] of Object.entries(headers)) all.set(name, value)
    all.set(EXPECTED_REVISION, String(revision))
    const answer = await this.#connection.request(`${this.#subject}${key}`, octets, {
      timeout: this.#timeoutMs,
      headers: all
    })
    const { seq, error } = parseAnswer(answer)
    if (error === undefined) {
      if (seq !== undefined && seq > this.lastWritten) this.lastWritten = seq
      return seq
    }
    if (WRONG_LAST_SEQUENCES.has(error.err_code)) return undefined
    throw new NatsRefusal(error.description)
  }

  /**
   * Write a value under a key that nobody else writes, unless one with this id was written lately.
   *
   * @returns when it is there. @throws NatsRefusal if the server will not have it.
   */
  async add(key: string, octets: Uint8Array, id: string): Promise<void> {
    const headers = newHeaders()
    headers.set('Nats-Msg-Id', id)
    const timeout = this.#timeoutMs
    const { error } = parseAnswer(await this.#connection.request(this.#subject + key, octets, { timeout, headers }))
    if (error !== undefined) throw new NatsRefusal(error.description)
  }

  /** Delete the value of one revision; nothing happens if it is gone or was written over. */
  async delete(revision: number): Promise<void> {
    const body = JSON.stringify({ seq: revision, no_erase: true })
    await this.#connection.request(`$JS.API.STREAM.MSG.DELETE.${this.#stream}`, body, { timeout: this.#timeoutMs })
  }

  /**
   * Keys under a filter (`a.*.>`), in no order, at most 100,000, and the octets of the whole bucket. One request, but the
   * server looks at every key.
   */
  async keysOf(filter: string): Promise<{ readonly keys: readonly string[]; readonly octets: number }> {
    const body = JSON.stringify({ subjects_filter: this.#subject + filter })
    const timeout = this.#timeoutMs
    const answer = await this.#connection.request(`$JS.API.STREAM.INFO.${this.#stream}`, body, { timeout })
    const { error, state } = parseAnswer(answer)
    if (error !== undefined || state === undefined) throw new NatsRefusal(error?.description ?? 'no state')
    const keys = Object.keys(state.subjects ?? {}).map(subject => subject.slice(this.#subject.length))
    return { keys, octets: state.bytes }
  }

  /**
   * Go through all values under a filter once, the oldest first, without their octets.
   *
   * @returns when all were told, or the connection is lost.
   */
  async index(filter: string, onValue: (value: BucketIndexEntry) => void): Promise<void> {
    // A push consumer would send all at once, and the event loop would do nothing else until they are read.
    const { consumers } = jetstream(this.#connection, { timeout: INDEX_TIMEOUT_MS })
    const consumer = await consumers.get(this.#stream, {
      filter_subjects: `${this.#subject}${filter}`,
      deliver_policy: DeliverPolicy.LastPerSubject,
      headers_only: true
    })
    try {
      if ((await consumer.info(true)).num_pending === 0) return
      const messages = await consumer.consume({
        max_messages: INDEX_MESSAGES,
        callback: message => {
          onValue(this.#entryOf(message))
          if (message.info.pending === 0) messages.stop()
        }
      })
      await Promise.race([messages.closed(), this.#connection.closed()])
    } finally {
      await consumer.delete().catch(() => undefined)
    }
  }

  /** @returns false if the server answers, but has not this bucket any more. */
  async isThere(): Promise<boolean> {
    const timeout = this.#timeoutMs
    const answer = await this.#connection.request(`$JS.API.STREAM.INFO.${this.#stream}`, undefined, { timeout })
    return parseAnswer(answer).created === this.createdAt
  }

  #entryOf(message: { subject: string; seq: number; headers?: MsgHdrs; timestampNanos: bigint }): BucketIndexEntry {
    return {
      key: message.subject.slice(this.#subject.length),
      revision: message.seq,
      headers: message.headers,
      writtenMs: Number(message.timestampNanos / 1_000_000n)
    }
  }
}

interface Answer {
  readonly seq?: number
  readonly created?: string
  readonly error?: { readonly code: number; readonly err_code: number; readonly description: string }
  readonly message?: { readonly seq: number; readonly data?: string; readonly hdrs?: string; readonly time: string }
  readonly state?: { readonly bytes: number; readonly subjects?: Readonly<Record<string, number>> }
}

const parseAnswer = (answer: Msg): Answer => answer.json<Answer>()

/** Header lines as the server stores them (base64), without the status line. */
function parseHeaders(base64: string): MsgHdrs {
  const all = newHeaders()
  for (const line of Buffer.from(base64, 'base64').toString('utf8').split('\r\n').slice(1)) {
    const colon = line.indexOf(':')
    if (colon > 0) all.set(line.slice(0, colon), line.slice(colon + 1).trim())
  }
  return all
}

/** Pods that start at once: another may have made it, and changed it, after this one had looked and before it made it. */
async function unlessMadeMeanwhile<T>(connection: NatsConnection, make: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await make()
    } catch (error) {
      const isMade = error instanceof JetStreamApiError && ALREADY_MADE.has(error.code)
      if (!isMade || tries === MAKE_TRIES) throw error
      await connection.flush()
    }
  }
}

function isBefore210(version = ''): boolean {
  const [major, minor] = version.split('.').map(Number)
  return !(major! > 2 || (major === 2 && minor! >= 10))
}
