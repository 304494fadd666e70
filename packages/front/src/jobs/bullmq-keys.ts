import type { JobTotal } from './job-queue.ts'
import type { RedisClient } from './redis-clients.ts'

const release = `if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end`

// A slot that is not renewed belongs to a worker that is dead.
const takeSlot = `
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
if not redis.call('ZSCORE', KEYS[1], ARGV[4]) and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[3]) then return 0 end
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[4])
redis.call('PEXPIREAT', KEYS[1], ARGV[2])
return 1`

const count = `
local now = redis.call('HGET', KEYS[1], ARGV[1]) or '0 0'
local jobs, seconds = string.match(now, '^(%S+) (%S+)$')
redis.call('HSET', KEYS[1], ARGV[1], (jobs + 1) .. ' ' .. (seconds + ARGV[2]))`

/** Names of what is in Redis: BullMQ's and ours, with one hash tag, so that a Cluster has all of it in one place. */
export class BullMqKeys {
  /** Of the queue. */
  readonly name = 'jobs'
  readonly prefix: string

  constructor(prefix: string) {
    this.prefix = `{${prefix}-jobs}`
  }

  get waiting(): string {
    return this.#bull('wait')
  }

  get delayed(): string {
    return this.#bull('delayed')
  }

  get active(): string {
    return this.#bull('active')
  }

  get completed(): string {
    return this.#bull('completed')
  }

  get failed(): string {
    return this.#bull('failed')
  }

  get events(): string {
    return this.#bull('events')
  }

  job(id: string): string {
    return this.#bull(id)
  }

  /** Jobs that were cancelled while they waited, and those that are on their way back. */
  get cancelled(): string {
    return this.#own('cancelled')
  }

  /** Counts of what has ended. */
  get totals(): string {
    return this.#own('totals')
  }

  /** When each job worker was heard of. */
  get workers(): string {
    return this.#own('workers')
  }

  /** Who adds a job now. */
  get adding(): string {
    return this.#own('adding')
  }

  /** Let the next one add. */
  async release(client: RedisClient, token: string): Promise<void> {
    await client.eval(release, 1, this.adding, token)
  }

  /** Take one of the slots for running jobs of an author, or keep the one there is. @returns false if there is none. */
  async takeSlot(
    client: RedisClient,
    author: string,
    job: string,
    most: number,
    nowMs: number,
    untilMs: number
  ): Promise<boolean> {
    return (await client.eval(takeSlot, 1, this.#slots(author), nowMs, untilMs, most, job)) === 1
  }

  async giveSlot(client: RedisClient, author: string, job: string): Promise<void> {
    await client.zrem(this.#slots(author), job)
  }

  /** One job more that has ended. */
  async count(client: RedisClient, type: string, result: JobTotal['result'], seconds: number): Promise<void> {
    await client.eval(count, 1, this.totals, `${result} ${type}`, seconds)
  }

  #slots(author: string): string {
    return this.#own(`running:${author}`)
  }

  #bull(name: string): string {
    return `${this.prefix}:${this.name}:${name}`
  }

  #own(name: string): string {
    return `${this.prefix}:weir:${name}`
  }
}
