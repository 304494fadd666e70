import { isDeepStrictEqual } from 'node:util'
import { configSchema, hashOf } from './resolve-config.ts'
import type { FleetRecord, FleetRevision } from './revision-store.ts'
import { saidKeys } from './said-keys.ts'
import type { WeirConfig } from './schema/document.ts'

type Json = Record<string, unknown>

/**
 * A document with the keys of a pod in place of its own.
 *
 * @param document - what the fleet has in common.
 * @param own - whose keys they are.
 * @param ownKeys - paths; see `ResolvedConfig.ownKeys`.
 * @returns unchecked: parts of both are in it.
 */
export function withOwnKeys(document: WeirConfig, own: WeirConfig, ownKeys: readonly string[]): WeirConfig {
  const result: Json = { ...document }
  for (const key of ownKeys) {
    const [section, name] = key.split('.') as [string, string | undefined]
    const its = (own as Json)[section]
    if (name === undefined) result[section] = its
    else result[section] = { ...(result[section] as Json), [name]: (its as Json)[name] }
  }
  return result as WeirConfig
}

/** A document without the keys that are each pod's own: what is to be shown of a fleet, and may be put to any pod of it. */
export function withoutOwnKeys(document: WeirConfig, ownKeys: readonly string[]): Json {
  const result: Json = { ...document }
  for (const key of ownKeys) {
    const [section, name] = key.split('.') as [string, string | undefined]
    if (name === undefined) delete result[section]
    else if (isObject(result[section])) {
      const { [name]: _, ...others } = result[section]
      result[section] = others
    }
  }
  return result
}

/**
 * The keys of a pod where a document says nothing of them.
 *
 * @param document - unchecked.
 * @returns a new value; parts of both are in it.
 */
export function fillOwnKeys(document: Json, own: WeirConfig, ownKeys: readonly string[]): Json {
  const result: Json = { ...document }
  for (const key of ownKeys) {
    const [section, name] = key.split('.') as [string, string | undefined]
    const its = (own as Json)[section]
    if (!Object.hasOwn(result, section)) result[section] = name === undefined ? its : { [name]: (its as Json)[name] }
    else if (name !== undefined && isObject(result[section])) {
      result[section] = { [name]: (its as Json)[name], ...result[section] }
    }
  }
  return result
}

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Paths of the keys that are a pod's own and not the same in two documents. */
export const unlikeOwnKeys = (one: WeirConfig, other: WeirConfig, ownKeys: readonly string[]): string[] =>
  ownKeys.filter(key => !isDeepStrictEqual(withOwnKeys(one, other, [key]), one))

/** Content hash of what a document says of the fleet, without the pod's own keys. */
export function fleetHash(document: WeirConfig, ownKeys: readonly string[]): string {
  return hashOf(saidKeys(withoutOwnKeys(document, ownKeys), configSchema))
}

/** The newest revision of a fleet, as its store has it. */
export interface FleetNews {
  readonly head: FleetRevision | undefined
  /** A revision was made once from what this pod's file and environment say now. */
  readonly isBaseKnown: boolean
}

/**
 * Whether file and environment of a pod say something that the fleet has not heard yet: then that is to be its newest revision.
 *
 * @param baseHash - `fleetHash` of what they say.
 * @param record - what this pod keeps of the fleet.
 */
export function isFileNewer(
  baseHash: string,
  record: FleetRecord | undefined,
  { head, isBaseKnown }: FleetNews
): boolean {
  if (head === undefined || head.baseHash === baseHash) return false
  if (record !== undefined && record.revision.fleet === head.fleet) return record.baseHash !== baseHash
  return !isBaseKnown
}

/** True if the store has lost what this pod still has: the pod puts it back. */
export const isAhead = (record: FleetRecord | undefined, head: FleetRevision | undefined): record is FleetRecord =>
  record !== undefined &&
  (head === undefined || (record.revision.fleet === head.fleet && record.revision.number > head.number))
