// An entry of its own: its client costs tens of MiB, which who does not use it need not have.
export { createNatsTemplateStore, type NatsTemplateStoreOptions } from './nats-template-store.ts'
