export type {
  BoundChannel,
  Channel,
  ChannelBinder,
  ChannelConnector,
  ChannelEvents,
  ChannelOptions
} from './channel.ts'
export { createControlClient, type ControlClientDeps } from './control-client.ts'
export { createControlServer, type ControlServerDeps } from './control-server.ts'
export * from './control.ts'
export { controlEndpoint, dataEndpoint, type LinkConfig } from './link-config.ts'
export type { LinkDeps } from './link-deps.ts'
export {
  createLinkReceiver,
  type LinkReceiver,
  type LinkReceiverConfig,
  type LinkReceiverDeps,
  type LinkReceiverStats,
  type LinkSenderInfo
} from './link-receiver.ts'
export {
  createLinkSender,
  type LinkSender,
  type LinkSenderConfig,
  type LinkSenderStats,
  type LinkState,
  type SourceFields
} from './link-sender.ts'
export { serveLogLevel } from './log-level.ts'
export { podEvents, type PodEvent } from './pod-events.ts'
export type { BatchEntries, ReceivedBatch } from './received-batch.ts'
export type { Source } from './source.ts'
