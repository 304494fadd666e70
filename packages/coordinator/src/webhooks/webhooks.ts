import { readFileSync } from 'node:fs'
import { AddressPolicy, ownAddresses } from '@weir/config'
import type { WebhookConfig } from '@weir/config'
import { ConfigError, errorMessage } from '@weir/runtime'
import type { Clock, Log } from '@weir/runtime'
import { isPodEvent } from '../event-log.ts'
import type { EventLog } from '../event-log.ts'
import { post } from './post.ts'
import { Webhook } from './webhook.ts'

const MIN_SECRET_OCTETS = 16

/** All receivers of events by HTTP. Only the file and the environment name them. */
export class Webhooks {
  readonly #configs: readonly WebhookConfig[]
  readonly #clock: Clock
  readonly #log: Log
  #all: readonly Webhook[] = []
  #unsubscribe: (() => void) | undefined

  constructor(configs: readonly WebhookConfig[], clock: Clock, log: Log) {
    this.#configs = configs
    this.#clock = clock
    this.#log = log
  }

  get all(): readonly Webhook[] {
    return this.#all
  }

  /** @throws ConfigError for an event that there is not, or a secret that cannot be read. */
  start(events: EventLog): void {
    // A name must not lead where only an address, written down, may.
    const policy = new AddressPolicy({ profile: 'machine', ports: null, allow: [], deny: [] }, ownAddresses)
    this.#all = this.#configs.map((config, index) => {
      const path = `coordinator.webhooks[${index}]`
      const unknown = config.events.findIndex(name => !isPodEvent(name))
      if (unknown >= 0) {
        const message = `there is no event ${config.events[unknown]}`
        throw new ConfigError([{ path: `${path}.events[${unknown}]`, message, allowed: 'see GET /v1/events' }])
      }
      const secret = config.secretFile === null ? undefined : readSecret(config.secretFile, `${path}.secretFile`)
      const allows = (address: string): boolean => policy.allows(address)
      return new Webhook(config, { clock: this.#clock, log: this.#log, secret, post, allows })
    })
    if (this.#all.length === 0) return
    this.#unsubscribe = events.subscribe(event => {
      for (const webhook of this.#all) webhook.offer(event)
    })
  }

  stop(): void {
    this.#unsubscribe?.()
    for (const webhook of this.#all) webhook.stop()
  }
}

function readSecret(file: string, path: string): Uint8Array {
  let secret: string
  try {
    secret = readFileSync(file, 'utf8').trim()
  } catch (error) {
    throw new ConfigError([{ path, message: `cannot be read: ${errorMessage(error)}`, allowed: 'a file' }])
  }
  const octets = Buffer.from(secret)
  if (octets.length >= MIN_SECRET_OCTETS) return octets
  throw new ConfigError([
    { path, message: 'holds too short a secret', allowed: `at least ${MIN_SECRET_OCTETS} octets` }
  ])
}
