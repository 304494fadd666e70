/** One state of the document that the pods of a fleet have in common, without the document. */
export interface SharedRevisionInfo {
  /** Names the fleet: chance, made with its first revision. A store with another one is another fleet's. */
  readonly fleet: string
  /** From 0, never used again. */
  readonly number: number
  readonly author: string
  readonly atMs: number
  readonly reason: string
  /** Content hash of the document. */
  readonly hash: string
  /** Content hash of what file and environment of the pod that made it said of the fleet. */
  readonly baseHash: string
}

export interface SharedRevision<Document> extends SharedRevisionInfo {
  readonly document: Document
}

/** A document on its way through the fleet, pod by pod, before it is a revision. */
export interface Rollout<Document> {
  /** Letters and digits. */
  readonly id: string
  /** From 1; each change has the next. */
  readonly version: number
  /** Number of the revision that holds meanwhile. */
  readonly after: number
  readonly document: Document
  /** Ids of the pods that hold the document already. */
  readonly pods: readonly string[]
  /** What those who drive it say of it to each other; nothing here depends on it. */
  readonly progress: unknown
}

/** What there is: the newest revision, and what is on its way. */
export interface SharedHead<Document> {
  readonly head: SharedRevision<Document> | undefined
  readonly rollout: Rollout<Document> | undefined
}

type Json = Readonly<Record<string, unknown>>
const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

export function isSharedRevisionInfo(value: unknown): value is SharedRevisionInfo {
  if (!isObject(value)) return false
  const { fleet, number, author, atMs, reason, hash, baseHash } = value
  return (
    [fleet, author, reason, hash, baseHash].every(text => typeof text === 'string') &&
    Number.isSafeInteger(number) &&
    Number(number) >= 0 &&
    typeof atMs === 'number'
  )
}

export const isSharedRevision = <Document>(value: unknown): value is SharedRevision<Document> =>
  isSharedRevisionInfo(value) && 'document' in value

export function isRollout<Document>(value: unknown): value is Rollout<Document> {
  if (!isObject(value)) return false
  const { id, version, after, pods } = value
  return (
    typeof id === 'string' &&
    Number.isSafeInteger(version) &&
    Number.isSafeInteger(after) &&
    Array.isArray(pods) &&
    pods.every(pod => typeof pod === 'string') &&
    'document' in value
  )
}
