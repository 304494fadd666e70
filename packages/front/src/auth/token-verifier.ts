import { readFile } from 'node:fs/promises'
import type { OidcConfig } from '@weir/config'
import { ConfigError, errorMessage } from '@weir/runtime'
import type { Clock, Log } from '@weir/runtime'
import { errors, jwtVerify } from 'jose'
import type { JSONWebKeySet, JWTPayload } from 'jose'
import { requestJson } from '../trusted-request.ts'
import { IssuerAwayError } from './issuer-away-error.ts'
import { IssuerKeys } from './issuer-keys.ts'
import { isEnough, roles } from './role.ts'
import type { Role } from './role.ts'

/** Who a token is about. */
export interface TokenBearer {
  /** `oidc:` and the subject. */
  readonly id: string
  /** undefined: it gives none of ours. */
  readonly role: Role | undefined
  /** End of the token. */
  readonly untilMs: number
}

const TOKEN_CHARACTERS = 8_192
const DOCUMENT_OCTETS = 262_144
const KEYS = 64
const subjectPattern = /^[\x20-\x7e]{1,255}$/

/** OpenID Connect: tells whether a bearer token is of the issuer, for us, and still good. */
export class TokenVerifier {
  readonly #config: OidcConfig
  readonly #clock: Clock
  readonly #log: Log
  readonly #keys: IssuerKeys
  #ca: string | undefined

  constructor(config: OidcConfig, clock: Clock, log: Log) {
    this.#config = config
    this.#clock = clock
    this.#log = log
    this.#keys = new IssuerKeys(() => this.#readKeys(), config, clock)
  }

  /** Questions to the issuer that got no keys. */
  get failures(): number {
    return this.#keys.failures
  }

  /** Read the certificates; the keys are asked for, and not waited for. @throws ConfigError */
  async start(): Promise<void> {
    const { caFile } = this.#config
    if (caFile !== null) {
      this.#ca = await readFile(caFile, 'utf8').catch((error: unknown) => {
        throw new ConfigError([{ path: 'front.oidc.caFile', message: `cannot be read: ${errorMessage(error)}` }])
      })
    }
    void this.#keys.refresh()
  }

  /** @returns undefined if it is no token that holds here. @throws IssuerAwayError */
  async verify(token: string): Promise<TokenBearer | undefined> {
    if (token.length > TOKEN_CHARACTERS) return this.#refuse('too long')
    const { issuer, audience, algorithms, clockToleranceSec, tokenLifetimeSec } = this.#config
    const nowMs = this.#clock.nowMs()
    try {
      const { payload } = await jwtVerify(token, this.#keys.keyFor, {
        issuer,
        audience,
        algorithms: [...algorithms],
        clockTolerance: clockToleranceSec,
        currentDate: new Date(nowMs),
        requiredClaims: ['sub', 'iat', 'exp']
      })
      const { sub = '', iat = 0, exp = 0 } = payload
      if (typeof sub !== 'string' || !subjectPattern.test(sub))
        return this.#refuse('its subject is none that can be written down')
      const latestSec = nowMs / 1_000 + clockToleranceSec
      if (exp - iat > tokenLifetimeSec || exp > latestSec + tokenLifetimeSec) return this.#refuse('good for too long')
      if (iat > latestSec) return this.#refuse('made in the future')
      return { id: `oidc:${sub}`, role: this.#roleOf(payload), untilMs: exp * 1_000 }
    } catch (error) {
      if (error instanceof IssuerAwayError) {
        this.#log.warn('issuer_away', `${issuer} does not say what its keys are: ${error.message}`)
        throw error
      }
      if (error instanceof errors.JOSEError) return this.#refuse(error.code)
      // What WebCrypto says of keys and signatures that do not fit together.
      return this.#refuse(errorMessage(error))
    }
  }

  #refuse(reason: string): undefined {
    this.#log.debug('token_refused', `a bearer token was refused: ${reason}`)
    return undefined
  }

  /** The highest of those that the claim has. */
  #roleOf(payload: JWTPayload): Role | undefined {
    const { roleClaim, roleMap } = this.#config
    const said = [claimAt(payload, roleClaim)].flat().filter(each => typeof each === 'string')
    const given =
      roleMap.length === 0
        ? roles.filter(role => said.includes(role))
        : roleMap.filter(({ value }) => said.includes(value)).map(({ role }) => role as Role)
    return given.reduce<Role | undefined>(
      (best, role) => (best === undefined || isEnough(role, best) ? role : best),
      undefined
    )
  }

  async #readKeys(): Promise<JSONWebKeySet> {
    const url = this.#config.jwksUri ?? (await this.#discover())
    const document = await this.#read(url)
    const { keys } = document as { readonly keys?: unknown }
    if (!Array.isArray(keys)) throw new Error(`${url} has no keys`)
    return { keys: keys.slice(0, KEYS) as JSONWebKeySet['keys'] }
  }

  async #discover(): Promise<string> {
    const { issuer } = this.#config
    const document = await this.#read(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`)
    const { issuer: itself, jwks_uri: keysUrl } = document as Readonly<Record<string, unknown>>
    if (itself !== issuer) throw new Error('it says that it is another issuer')
    const isSafe = typeof keysUrl === 'string' && URL.canParse(keysUrl) && keysUrl.startsWith(issuer.split('/')[0]!)
    if (!isSafe) throw new Error('its jwks_uri is no https URL')
    return keysUrl
  }

  async #read(url: string): Promise<object> {
    const { timeoutMs } = this.#config
    const { status, body } = await requestJson(url, { ca: this.#ca, timeoutMs, maxOctets: DOCUMENT_OCTETS })
    if (status !== 200 || typeof body !== 'object' || body === null) throw new Error(`${url} answered ${status}`)
    return body
  }
}

/** A claim of this name, or the one that a path of names with dots leads to. */
function claimAt(payload: JWTPayload, name: string): unknown {
  if (Object.hasOwn(payload, name)) return payload[name]
  let at: unknown = payload
  for (const step of name.split('.')) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return undefined
    at = (at as Readonly<Record<string, unknown>>)[step]
  }
  return at
}
