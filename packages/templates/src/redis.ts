// An entry of its own: its client costs tens of MiB, which who does not use it need not have.
export type { RedisTls } from './redis-link.ts'
export { createRedisTemplateStore, type RedisTemplateStoreOptions } from './redis-template-store.ts'
export { RedisRevisionStore, type RedisRevisionStoreOptions, type RolloutChange } from './redis-revision-store.ts'
export { RedisSharedDocument, type RedisSharedDocumentOptions, type Versioned } from './redis-shared-document.ts'
