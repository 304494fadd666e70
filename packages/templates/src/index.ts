export { decodeEntry, encodeEntry } from './entry-codec.ts'
export { createFileTemplateStore, type FileTemplateStoreOptions } from './file-template-store.ts'
export { createMemoryTemplateStore } from './memory-template-store.ts'
export { meterTemplateStore, type MeteredTemplateStore, type TemplateStoreMeter } from './metered-template-store.ts'
export {
  OptionsState,
  type LayoutKeeper,
  type OnOptionsChange,
  type OptionsChange,
  type OptionsRecord,
  type OptionsStateLimits,
  type OptionsStateStats
} from './options-state.ts'
export { isRestorable, tcpScope, udpScope } from './scope-key.ts'
export {
  entryKey,
  optionsEntryKey,
  templateEntryKey,
  type StoredEntry,
  type StoredOptions,
  type StoredTemplate
} from './stored-entry.ts'
export type { TemplateStore, TemplateStoreStats } from './template-store.ts'
