import { readFileSync } from 'node:fs'
import { AddressPolicy, ownAddresses, webhookUrlIssue } from '@weir/config'
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

  /** @throws ConfigError for an event that there is not, or a file that cannot be used. */
  start(events: EventLog): void {
    // A name must not lead where only an address, written down, may.
    const policy = new AddressPolicy(
      { profile: 'machine', ports: null, allow: [], deny: [], folders: [] },
      ownAddresses
    )
    this.#all = this.#configs.map((config, index) => {
      const path = `coordinator.webhooks[${index}]`
      const unknown = config.events.findIndex(name => !isPodEvent(name))
      if (unknown >= 0) {
        const message = `there is no event ${config.events[unknown]}`
        throw new ConfigError([{ path: `${path}.events[${unknown}]`, message, allowed: 'see GET /v1/events' }])
      }
      const secret = config.secretFile === null ? undefined : readSecret(config.secretFile, `${path}.secretFile`)
      const url = config.url ?? readUrl(config.urlFile!, `${path}.urlFile`)
      const allows = (address: string): boolean => policy.allows(address)
      return new Webhook(config, { clock: this.#clock, log: this.#log, url, secret, post, allows })
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
  const octets = Buffer.from(readText(file, path))
  if (octets.length >= MIN_SECRET_OCTETS) return octets
  throw new ConfigError([
    { path, message: 'holds too short a secret', allowed: `at least ${MIN_SECRET_OCTETS} octets` }
  ])
}

/** What is wrong with it is not said: it would be shown. */
function readUrl(file: string, path: string): string {
  const url = readText(file, path)
  if (webhookUrlIssue(url) === undefined) return url
  const allowed = 'one http or https URL, without credentials and fragment'
  throw new ConfigError([{ path, message: 'holds no URL that can be used', allowed }])
}

function readText(file: string, path: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    throw new ConfigError([{ path, message: `cannot be read: ${errorMessage(error)}`, allowed: 'a file' }])
  }
}
