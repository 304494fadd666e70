/** Whose keys are whose; what is not here is everybody's. */
const readers: Readonly<Record<string, readonly string[]>> = {
  collector: ['collector'],
  mediator: ['mediator'],
  coordinator: ['coordinator'],
  front: ['front'],
  stores: ['collector'],
  link: ['collector', 'mediator', 'coordinator']
}
const everybody = ['collector', 'mediator', 'coordinator']

/** What running processes take: these keys and all below them. */
const live = [
  'collector.allow',
  'collector.allowAny',
  'collector.exporterOverrides',
  'collector.exporters',
  'collector.limits',
  'collector.listeners',
  'coordinator.limits.connections',
  'coordinator.limits.controlTimeoutMs',
  'coordinator.limits.eventBufferOctets',
  'coordinator.limits.eventOctetsKept',
  'coordinator.limits.eventSubscribers',
  'coordinator.limits.eventsKept',
  'coordinator.limits.keepAliveMs',
  'coordinator.limits.requestTimeoutMs',
  'coordinator.limits.requestsPerConnection',
  'destinations',
  'log',
  'mediator.limits.templatesPerDestination',
  'mediator.plan',
  'shutdown'
]

/** Except for these. */
const fixed = ['collector.limits.pendingSpoolOctets']

/**
 * Which processes have to begin anew before another value of a key holds.
 *
 * @param path - of a key, as `collector.limits.pendingMs` or `destinations[id=out].url`.
 * @returns nobody, for a key that is taken while Weir runs.
 */
export function restartsFor(path: string): readonly string[] {
  const isIn = (keys: readonly string[]): boolean =>
    keys.some(key => path === key || path.startsWith(`${key}.`) || path.startsWith(`${key}[`))
  if (isIn(live) && !isIn(fixed)) return []
  return readers[/^[a-zA-Z]+/.exec(path)?.[0] ?? ''] ?? everybody
}
