/**
 * Everything a process of the pod tells of by `ControlClient.event`, and what each means: a closed list, so that whoever reads
 * the events knows all there can be. None is told per record, and each is rate-limited where it comes from.
 */
export const podEvents = {
  template_learned: 'An exporter announced a template that was not known.',
  template_restored:
    'A template was taken up from a store, or from a sibling session, until the exporter announces it.',
  template_redefined: 'An exporter gave a live template id another definition.',
  template_withdrawn: 'A template was withdrawn: by its exporter, or through the API (`by`).',
  template_expired: 'A template was not announced again within its lifetime, or a restart made it doubtful.',
  template_evicted: 'A limit ended a template.',
  template_rejected: 'A definition was not taken: `code` says why (docs/reference/faults.md).',
  scope_decided: 'It was decided whose templates decode the data of an exporter: `decision` and `evidence`.',
  exporter_discovered: 'An exporter that had no session has one.',
  exporter_silent: 'Nothing came from an exporter for `collector.limits.exporterSilentMs`.',
  exporter_rebooted: 'An exporter began anew: its sequence numbers or its boot time show it.',
  exporter_skewed: "An exporter's clock and ours differ by more than `collector.limits.skewMs`.",
  exporter_state:
    'An exporter came to be in another state of its life (`state`, `before`): discovered, active, silent, rebooted, skewed, scope-conflict or unsampled-suspect.',
  pending_delivered: 'Data Sets that waited for their template were decoded.',
  quarantine_began: 'Data Sets of a template wait until the exporter announces it again: it is in doubt.',
  quarantine_ended: 'The exporter announced a doubtful template again, and what waited goes on.',
  listener_changed:
    'A listener was opened, closed or changed, or has another `state`: serving, paused, draining, drained.',
  store_down: 'The store of templates does not answer; nothing waits for it.',
  store_up: 'The store of templates answers again.',
  destination_ready: 'A destination takes records: its session is up.',
  destination_lost: 'A destination takes no records any more: its session is lost, or it was closed.',
  destination_mode: 'A destination was paused, resumed or drained: `mode` says what holds now.',
  config_taken: 'The pod has taken a revision of its fleet (`revision`), or the document of a roll-out (`rollout`).',
  config_refused:
    'The pod cannot take the newest revision of its fleet, and stays on the one it has: `code` and `reason`.',
  revision_store_down:
    'The store of revisions does not answer: the pod goes on with what it has, and takes no changes.',
  revision_store_up: 'The store of revisions answers again.',
  events_suppressed: 'More events of one kind (`of`) happened than are told in a second: `suppressed` of them were not.'
} as const satisfies Record<string, string>

/** Name of an event; {@link podEvents} has its meaning. */
export type PodEvent = keyof typeof podEvents
