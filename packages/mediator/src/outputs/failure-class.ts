import { errorCode } from '@weir/runtime'

/** Why a destination cannot be reached, and nothing of what the other side said. A closed list. */
const failureClasses = {
  name_unknown: 'the name is not known',
  name_timeout: 'the name servers do not answer',
  denied: 'mediator.destinationPolicy does not allow it',
  refused: 'nobody listens there',
  unreachable: 'there is no way to it',
  timeout: 'it does not answer in time',
  reset: 'it ended the connection',
  permission: 'Weir may not',
  missing: 'there is no such folder or file',
  no_space: 'there is no room',
  read_only: 'it cannot be written',
  no_reader: 'nobody reads it',
  other: 'another error'
} as const satisfies Record<string, string>
export type FailureClass = keyof typeof failureClasses

const classes: Readonly<Record<string, FailureClass>> = {
  ADDRESS_DENIED: 'denied',
  PATH_DENIED: 'denied',
  ELOOP: 'denied',
  ENOTFOUND: 'name_unknown',
  ENODATA: 'name_unknown',
  EAI_AGAIN: 'name_timeout',
  ESERVFAIL: 'name_timeout',
  ECONNREFUSED: 'refused',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  EHOSTDOWN: 'unreachable',
  ENETDOWN: 'unreachable',
  EADDRNOTAVAIL: 'unreachable',
  ETIMEDOUT: 'timeout',
  ECONNRESET: 'reset',
  EPIPE: 'reset',
  EACCES: 'permission',
  EPERM: 'permission',
  ENOENT: 'missing',
  ENOTDIR: 'missing',
  ENOSPC: 'no_space',
  EDQUOT: 'no_space',
  EROFS: 'read_only',
  EISDIR: 'read_only',
  ENXIO: 'no_reader'
}

/** The class of an error of the system. */
export function failureClassOf(error: unknown): FailureClass {
  // Several addresses were tried: the first says it.
  if (error instanceof AggregateError && error.errors.length > 0) return failureClassOf(error.errors[0])
  return classes[errorCode(error) ?? ''] ?? 'other'
}

/** The same as a sentence, for people. */
export function failureText(error: unknown): string {
  const failure = failureClassOf(error)
  return `${failure}: ${failureClasses[failure]}`
}
