import { createLocalJWKSet, errors } from 'jose'
import type { CryptoKey, FlattenedJWSInput, JSONWebKeySet, JWSHeaderParameters, LocalJWKSet } from 'jose'
import { errorMessage } from '@weir/runtime'
import type { Clock } from '@weir/runtime'
import { IssuerAwayError } from './issuer-away-error.ts'

/** How the keys of an issuer are kept. */
export interface IssuerKeysLimits {
  /** As old as this they are asked for again; meanwhile those that are there hold. */
  readonly jwksFreshMs: number
  /** As old as this they hold no more. */
  readonly jwksStaleMs: number
  /** Between two questions at least, whatever keys tokens name. */
  readonly jwksCooldownMs: number
}

/** The public keys of an issuer: asked for when they are needed, kept while the issuer is away, and not asked for at will of who sends tokens. */
export class IssuerKeys {
  /** Questions that got no keys. */
  failures = 0
  readonly #load: () => Promise<JSONWebKeySet>
  readonly #limits: IssuerKeysLimits
  readonly #clock: Clock
  #set: LocalJWKSet | undefined
  #atMs = -Infinity
  #askedAtMs = -Infinity
  #loading: Promise<void> | undefined
  #lastError = ''

  constructor(load: () => Promise<JSONWebKeySet>, limits: IssuerKeysLimits, clock: Clock) {
    this.#load = load
    this.#limits = limits
    this.#clock = clock
  }

  /** The key that a token says it is signed with. @throws IssuerAwayError; an error of jose if there is no such key. */
  readonly keyFor = async (header?: JWSHeaderParameters, token?: FlattenedJWSInput): Promise<CryptoKey> => {
    const ageMs = this.#clock.monotonicMs() - this.#atMs
    if (ageMs >= this.#limits.jwksStaleMs) await this.refresh()
    else if (ageMs >= this.#limits.jwksFreshMs) void this.refresh()
    const set = this.#usable()
    try {
      return await set(header, token)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
      // A key of which one has not heard: maybe a new one.
      await this.refresh()
      const newer = this.#usable()
      if (newer === set) throw error
      return newer(header, token)
    }
  }

  /** Ask for the keys now, unless that was done a moment ago. Never rejects. */
  refresh(): Promise<void> {
    if (this.#loading !== undefined) return this.#loading
    const nowMs = this.#clock.monotonicMs()
    if (nowMs - this.#askedAtMs < this.#limits.jwksCooldownMs) return Promise.resolve()
    this.#askedAtMs = nowMs
    this.#loading = this.#load()
      .then(
        keys => {
          this.#set = createLocalJWKSet(keys)
          this.#atMs = nowMs
        },
        (error: unknown) => {
          this.failures++
          this.#lastError = errorMessage(error)
        }
      )
      .finally(() => (this.#loading = undefined))
    return this.#loading
  }

  #usable(): LocalJWKSet {
    const isOld = this.#clock.monotonicMs() - this.#atMs >= this.#limits.jwksStaleMs
    if (this.#set === undefined || isOld) throw new IssuerAwayError(this.#lastError)
    return this.#set
  }
}
