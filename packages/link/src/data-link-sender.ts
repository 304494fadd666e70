import type { LinkDeps } from './link-deps.ts'
import type { LinkSender, LinkSenderConfig } from './link-sender.ts'

export const createDataLinkSender = (_config: LinkSenderConfig, _deps: LinkDeps): LinkSender => {
  throw new Error('not there yet')
}
