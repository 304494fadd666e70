export { decodeEntry, encodeEntry, MAX_ENTRY_OCTETS } from './entry-codec.ts'
export { createFileTemplateStore, type FileTemplateStoreOptions } from './file-template-store.ts'
export { createMemoryTemplateStore } from './memory-template-store.ts'
export {
  meterTemplateStore,
  type MeteredTemplateStore,
  type TemplateStoreMeter,
  type WaitingCall
} from './metered-template-store.ts'
export {
  OptionsState,
  type LayoutKeeper,
  type OnOptionsChange,
  type OptionsChange,
  type OptionsRecord,
  type OptionsStateLimits,
  type OptionsStateStats
} from './options-state.ts'
export type { Claim, PendingShelf, ShelvedSet } from './pending-shelf.ts'
export { PendingSpool, type PendingSpoolOptions, type PendingSpoolStats } from './pending-spool.ts'
export type { SpoolGroup, SpoolIndex, SpoolPlace, Waiter } from './spool-index.ts'
export { isRestorable, lastTcpScope, tcpScope, udpScope } from './scope-key.ts'
export {
  definitionHash,
  entryField,
  keyOf,
  MAX_VERSIONS_PER_PLACE,
  optionsField,
  placeKey,
  seenMsOf,
  supersedes,
  templateField,
  type EntryKey,
  type Place,
  type StoredDecision,
  type StoredEntry,
  type StoredOptions,
  type StoredPlace,
  type StoredSequence,
  type StoredTemplate,
  type TemplateVersion
} from './stored-entry.ts'
export {
  allEntries,
  emptyStats,
  LIST_BATCH_PLACES,
  type ListOptions,
  type RemovalReason,
  type StoreHealth,
  type TemplateStore,
  type TemplateStoreStats
} from './template-store.ts'
export { readStoreFiles, redisConnection, type RedisSettings } from './store-files.ts'
export type { Rollout, SharedHead, SharedRevision, SharedRevisionInfo } from './shared-revision.ts'
export { costOf, inOrder, type HeldReason, type OnWaitingDrop, type WaitingSet } from './waiting-set.ts'
