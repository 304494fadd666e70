import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { WeirConfig } from '@weir/config'

const MARK = '[redacted]'
/** Longer files are no secrets of ours; shorter ones would take words out of the text. */
const MAX_SECRET_OCTETS = 65_536
const MIN_SECRET_LENGTH = 6

/** Keys whose values are secrets, wherever they stand. Files are only named, which is no secret. */
const secretKey = /(?:password|passphrase|secret|token|credentials?|apikey|privatekey)$/i

const patterns: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[^]*?-----END [A-Z ]*PRIVATE KEY-----/g, MARK],
  // Keys of the web API, bearer tokens, JSON Web Tokens, credentials in URLs, and what URLs are asked with.
  [/\bwk_[A-Za-z0-9_-]{8,}/g, MARK],
  [/\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}/gi, `$1 ${MARK}`],
  [/\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]*/g, MARK],
  [/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/@"]+@/gi, `$1${MARK}@`],
  [/\b(https?:\/\/[^\s"?]*)\?[^\s"]*/gi, `$1?${MARK}`]
]

/** Takes secrets out of text: those that the files of the configuration hold, and whatever looks like one. */
export class Redaction {
  readonly #secrets: readonly string[]

  /** Reads the files that the document names, and the admin key beside it. Those that cannot be read hold nothing to hide. */
  constructor(config: WeirConfig) {
    const files = [...secretFilesOf(config), join(config.stateDir, 'admin.key')]
    const secrets = new Set(files.flatMap(secretsIn))
    // The longest first: one may be a part of another.
    this.#secrets = [...secrets].toSorted((one, other) => other.length - one.length)
  }

  text(value: string): string {
    let redacted = value
    for (const secret of this.#secrets) redacted = redacted.replaceAll(secret, MARK)
    for (const [pattern, replacement] of patterns) redacted = redacted.replace(pattern, replacement)
    return redacted
  }

  /** The same of plain data, keys too; values of keys that name secrets go whole. */
  json(value: unknown): unknown {
    if (typeof value === 'string') return this.text(value)
    if (Array.isArray(value)) return value.map(each => this.json(each))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
      Object.entries(value).map(([key, each]) => [
        this.text(key),
        secretKey.test(key) && typeof each === 'string' ? MARK : this.json(each)
      ])
    )
  }
}

/** Paths under keys that end in `File`, certificates included. */
function* secretFilesOf(value: unknown): Generator<string> {
  if (typeof value !== 'object' || value === null) return
  for (const [key, each] of Object.entries(value)) {
    if (key.endsWith('File') && typeof each === 'string') yield each
    else yield* secretFilesOf(each)
  }
}

/** The whole of a file, its lines, and the values in them. */
function secretsIn(path: string): string[] {
  try {
    if (statSync(path).size > MAX_SECRET_OCTETS) return []
    const text = readFileSync(path, 'utf8').trim()
    // Certificates are no secrets, and their lines would not be found in ours.
    if (text.startsWith('-----BEGIN CERTIFICATE')) return []
    const lines = text.split(/\r?\n/).map(line => line.trim())
    return [text, ...lines].filter(each => each.length >= MIN_SECRET_LENGTH && !each.startsWith('-----'))
  } catch {
    return []
  }
}
