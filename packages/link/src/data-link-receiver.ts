import type { LinkReceiver, LinkReceiverConfig, LinkReceiverDeps } from './link-receiver.ts'

export const createDataLinkReceiver = (_config: LinkReceiverConfig, _deps: LinkReceiverDeps): LinkReceiver => {
  throw new Error('not there yet')
}
