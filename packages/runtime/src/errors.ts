import { exitCodes } from './exit-codes.ts'

/**
 * What everything throws that is not the wire's fault. The wire never throws: see the fault codes of `@weir/ipfix`.
 * `code` is stable and upper snake case, `details` is plain data.
 */
export class CodedError extends Error {
  readonly code: string
  /** What a process exits with when it ends by this error. */
  readonly exitCode: number
  readonly details: Readonly<Record<string, unknown>>

  constructor(
    code: string,
    message: string,
    exitCode: number,
    details: Readonly<Record<string, unknown>> = {},
    cause?: unknown
  ) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = new.target.name
    this.code = code
    this.exitCode = exitCode
    this.details = details
  }
}

/** One thing that is wrong in a configuration. */
export interface ConfigIssue {
  /** Where, e.g. `destinations[0].url` or `WEIR_COLLECTOR_HTTP_PORT`; empty for the whole document. */
  readonly path: string
  /** What is wrong, without the path. */
  readonly message: string
  /** What is allowed there, where that can be said. */
  readonly allowed?: string
}

/** One line for a person: path, what is wrong, what is allowed. */
export function formatIssue({ path, message, allowed }: ConfigIssue): string {
  return `${path === '' ? '(document)' : path}: ${message}${allowed === undefined ? '' : ` (allowed: ${allowed})`}`
}

/** The operator's error: all that is wrong in the configuration, not only the first. Exit 78. */
export class ConfigError extends CodedError {
  readonly issues: readonly ConfigIssue[]

  constructor(issues: readonly ConfigIssue[], source?: string) {
    const head = `${source ?? 'The configuration'} has ${issues.length} error${issues.length === 1 ? '' : 's'}`
    super('CONFIG_INVALID', [head, ...issues.map(issue => `  ${formatIssue(issue)}`)].join('\n'), exitCodes.config, {
      issues
    })
    this.issues = issues
  }
}

/** A peer (exporter, downstream collector, another process) failed us: try again later. Exit 69 if it ends a process. */
export class PeerError extends CodedError {
  constructor(code: string, message: string, details?: Readonly<Record<string, unknown>>, cause?: unknown) {
    super(code, message, exitCodes.unavailable, details, cause)
  }
}

/** Something of this machine that is needed is busy or absent: a port, a file, a program. Exit 69. */
export class UnavailableError extends CodedError {
  constructor(code: string, message: string, details?: Readonly<Record<string, unknown>>, cause?: unknown) {
    super(code, message, exitCodes.unavailable, details, cause)
  }
}

/** Our own defect; the only error that ends a started process. Exit 70. */
export class InvariantError extends CodedError {
  constructor(message: string, details?: Readonly<Record<string, unknown>>, cause?: unknown) {
    super('INVARIANT', message, exitCodes.internal, details, cause)
  }
}

const listenReasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is in use by another process; stop that one, or give this another port',
  EACCES: 'may not be bound by this user; use a port of 1024 or above',
  EADDRNOTAVAIL: 'is not an address of this machine; use one of its own, :: or 0.0.0.0',
  EAFNOSUPPORT: 'is of an address family that this machine does not have; use 0.0.0.0 instead of ::'
}

/**
 * The error of a failed bind or listen as one sentence that says what to do.
 *
 * @param error - what the socket raised.
 * @param what - who wanted to listen, e.g. `UDP listener ipfix-udp`.
 * @param where - address and port, e.g. `[::]:4739`.
 * @returns an {@link UnavailableError} with the system's code, to be thrown by the caller.
 */
export function listenError(error: unknown, what: string, where: string): UnavailableError {
  const code = errorCode(error) ?? 'LISTEN_FAILED'
  const reason = listenReasons[code] ?? `cannot be listened on: ${errorMessage(error)}`
  return new UnavailableError(code, `${what}: ${where} ${reason}`, { what, where }, error)
}

/** The `code` of a system or coded error, or undefined. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

/** What a thrown value says. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
