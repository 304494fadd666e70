/**
 * What of a document is always the pod's own: where its files are, how it is reached, and how it reaches the stores, without
 * which it could not learn what the fleet has in common.
 */
export const podKeys = [
  'runDir',
  'stateDir',
  'stores',
  'coordinator.address',
  'coordinator.port',
  'coordinator.tokenFile',
  'coordinator.tls',
  'front',
  'collector.http',
  'mediator.http'
] as const

/** What is a pod's own where its environment sets it. */
export const environmentKeys = ['collector.listeners'] as const
