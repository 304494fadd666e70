import { defineMetrics } from '@weir/runtime'

/** The metrics of the collector. Exporters beyond `collector.limits.exporterLabels` share the label `other`. */
export const collectorMetrics = defineMetrics({
  messages: {
    name: 'weir_collector_messages_total',
    help: 'Messages (datagrams, or Messages of a TCP stream) by what became of them.',
    type: 'counter',
    labels: ['outcome']
  },
  messagesDropped: {
    name: 'weir_collector_messages_dropped_total',
    help: 'Messages dropped whole, by reason.',
    type: 'counter',
    labels: ['reason']
  },
  dataSets: {
    name: 'weir_collector_data_sets_total',
    help: 'Data Sets by what became of them.',
    type: 'counter',
    labels: ['outcome']
  },
  dataSetsDropped: {
    name: 'weir_collector_data_sets_dropped_total',
    help: 'Data Sets dropped, by reason.',
    type: 'counter',
    labels: ['reason']
  },
  dataSetsPending: {
    name: 'weir_collector_data_sets_pending',
    help: 'Data Sets that wait for their template in this process, in memory or in the spool; those in quarantine too.',
    type: 'gauge',
    labels: ['where']
  },
  pendingOctets: {
    name: 'weir_collector_pending_octets',
    help: 'What the Data Sets that wait for their template take of the bounds (L-32, L-35); those in quarantine too.',
    type: 'gauge',
    labels: ['where']
  },
  dataSetsQuarantined: {
    name: 'weir_collector_data_sets_quarantined',
    help: 'Of the Data Sets that wait, those whose template is there and in doubt.',
    type: 'gauge',
    labels: ['where']
  },
  quarantinedOctets: {
    name: 'weir_collector_quarantined_octets',
    help: 'What these take of the bounds.',
    type: 'gauge',
    labels: ['where']
  },
  quarantinedDataSets: {
    name: 'weir_collector_quarantined_data_sets_total',
    help: 'Data Sets that went into quarantine.',
    type: 'counter'
  },
  quarantinedDataSetOctets: {
    name: 'weir_collector_quarantined_data_set_octets_total',
    help: 'Octets of the Data Sets that went into quarantine.',
    type: 'counter'
  },
  quarantines: {
    name: 'weir_collector_quarantines_total',
    help: 'Templates that data came for while they were in doubt, by why: restart (the exporter began anew) or misfit (a Set did not fit).',
    type: 'counter',
    labels: ['reason']
  },
  quarantinesEnded: {
    name: 'weir_collector_quarantines_ended_total',
    help: 'Quarantines by how they ended: announced, no_restart (it had not begun anew after all), template_ended.',
    type: 'counter',
    labels: ['how']
  },
  pendingSpool: {
    name: 'weir_collector_pending_spool_total',
    help: 'Data Sets written to the spool; writes and reads of it that failed; files set aside as damaged.',
    type: 'counter',
    labels: ['event']
  },
  records: {
    name: 'weir_collector_records_total',
    help: 'Data Records by what became of them: decoded = filtered + admitted + held + dropped.',
    type: 'counter',
    labels: ['outcome']
  },
  recordsDropped: {
    name: 'weir_collector_records_dropped_total',
    help: 'Data Records dropped, by reason.',
    type: 'counter',
    labels: ['reason']
  },
  recordsHeld: {
    name: 'weir_collector_records_held',
    help: 'Data Records read from TCP that wait for room on the link.',
    type: 'gauge'
  },
  recordsSettled: {
    name: 'weir_collector_records_settled_total',
    help: 'Data Records that the mediator has settled for every destination.',
    type: 'counter'
  },
  recordsInWindow: {
    name: 'weir_collector_records_in_window',
    help: 'Data Records on the link that are not settled yet.',
    type: 'gauge'
  },
  recordsRedelivered: {
    name: 'weir_collector_records_redelivered_total',
    help: 'Data Records sent again after a mediator restarted: they may be duplicates downstream.',
    type: 'counter'
  },
  linkReady: {
    name: 'weir_collector_link_ready',
    help: 'Whether the link to the mediator is up: 1 or 0.',
    type: 'gauge'
  },
  linkReconnects: {
    name: 'weir_collector_link_reconnects_total',
    help: 'Times the link came up again.',
    type: 'counter'
  },
  windowOctets: {
    name: 'weir_collector_window_octets',
    help: 'Octets of the batches that are not settled yet (L-56).',
    type: 'gauge'
  },
  faults: {
    name: 'weir_collector_faults_total',
    help: 'What was wrong or odd in Messages, by code of the fault table.',
    type: 'counter',
    labels: ['code']
  },
  sequence: {
    name: 'weir_collector_sequence',
    help: 'What the sequence numbers of ended and living sessions show: lost (records, packets or flows by version), duplicated, reordered, restarts, suspect, undecoded, gap (at most, while no collector listened).',
    type: 'gauge',
    labels: ['kind']
  },
  datagrams: {
    name: 'weir_collector_datagrams_total',
    help: 'Datagrams read from a UDP listener.',
    type: 'counter',
    labels: ['listener']
  },
  datagramOctets: {
    name: 'weir_collector_datagram_octets_total',
    help: 'Octets of the datagrams read from a UDP listener.',
    type: 'counter',
    labels: ['listener']
  },
  kernelDrops: {
    name: 'weir_collector_kernel_drops_total',
    help: 'Datagrams that the kernel dropped because the receive buffer of a listener was full.',
    type: 'counter',
    labels: ['listener']
  },
  receiveBuffer: {
    name: 'weir_collector_receive_buffer_octets',
    help: 'Receive buffer that the kernel granted a UDP listener, to be compared with what was asked (L-64).',
    type: 'gauge',
    labels: ['listener']
  },
  listeners: {
    name: 'weir_collector_listeners',
    help: 'Listeners by what they do: serving, paused, draining, drained; closing ones are not in the configuration any more.',
    type: 'gauge',
    labels: ['state']
  },
  connections: {
    name: 'weir_collector_connections',
    help: 'TCP connections of a listener.',
    type: 'gauge',
    labels: ['listener']
  },
  connectionsWaiting: {
    name: 'weir_collector_connections_waiting',
    help: 'TCP connections that wait to be let in, because more came in a second than the limit (L-06).',
    type: 'gauge'
  },
  connectionsEnded: {
    name: 'weir_collector_connections_total',
    help: 'TCP connections by how they ended, or that they were accepted or refused; of load balancers also those that did not begin with a right PROXY header (proxy_header) or ended before an exporter spoke, as health checks do (proxy_silent).',
    type: 'counter',
    labels: ['listener', 'outcome']
  },
  sessions: {
    name: 'weir_collector_sessions',
    help: 'Transport Sessions: udp, of these unverified, and tcp (L-02, L-05).',
    type: 'gauge',
    labels: ['kind']
  },
  sessionEvents: {
    name: 'weir_collector_sessions_total',
    help: 'Transport Sessions opened, closed, evicted, expired; and datagrams refused one.',
    type: 'counter',
    labels: ['event']
  },
  punished: {
    name: 'weir_collector_punished_sources',
    help: 'UDP sources that nothing is read from for a while (L-09).',
    type: 'gauge'
  },
  templates: {
    name: 'weir_collector_templates',
    help: 'Live templates (L-12).',
    type: 'gauge'
  },
  templateOctets: {
    name: 'weir_collector_template_octets',
    help: 'Memory of the live templates, estimated (L-12).',
    type: 'gauge'
  },
  templateSources: {
    name: 'weir_collector_template_sources',
    help: 'Live templates by where they were learned: wire, store, file, sibling (another session of the same exporter).',
    type: 'gauge',
    labels: ['source']
  },
  templateChanges: {
    name: 'weir_collector_template_changes_total',
    help: 'Templates learned, refreshed, restored (from a store or a sibling session), redefined, withdrawn, expired, evicted, rejected.',
    type: 'counter',
    labels: ['change']
  },
  scopeDecisions: {
    name: 'weir_collector_scope_decisions_total',
    help: 'Decisions about source ports of one exporter address (scope auto): single, undecided, merged, apart.',
    type: 'counter',
    labels: ['decision']
  },
  scopeHints: {
    name: 'weir_collector_scope_hints_total',
    help: 'Templates taken from another source port of the same exporter, and taken back because they turned out not to be the same.',
    type: 'counter',
    labels: ['change']
  },
  options: {
    name: 'weir_collector_options_records',
    help: 'Options records kept as state (L-16).',
    type: 'gauge'
  },
  optionsLimited: {
    name: 'weir_collector_options_records_limited_total',
    help: 'Options records that a limit ended (evicted: L-16) or did not let in (refused: the memory of all is used up).',
    type: 'counter',
    labels: ['event']
  },
  storeUp: {
    name: 'weir_collector_store_up',
    help: 'Whether the store that pods share can be asked: 1; 0 = it is away, or failed so often that it is not asked for a while (L-80).',
    type: 'gauge'
  },
  storeBreakerOpened: {
    name: 'weir_collector_store_breaker_opened_total',
    help: 'Times that the shared store was not asked for a while, because it failed too often (L-80).',
    type: 'counter'
  },
  storeReads: {
    name: 'weir_collector_store_reads_total',
    help: 'Reads of a ring (file: of this worker, shared: of all pods); each is of many places.',
    type: 'counter',
    labels: ['ring']
  },
  storePlaces: {
    name: 'weir_collector_store_places_total',
    help: 'Places (what one Observation Domain under one scope has said) read of a ring, by whether it had anything: hit, miss.',
    type: 'counter',
    labels: ['ring', 'outcome']
  },
  storeRoundTrips: {
    name: 'weir_collector_store_round_trips_total',
    help: 'Times that a server of the shared store was waited for; never by a Message.',
    type: 'counter',
    labels: ['ring']
  },
  storeWrites: {
    name: 'weir_collector_store_writes_total',
    help: 'Entries given to a ring, or taken out.',
    type: 'counter',
    labels: ['ring', 'kind']
  },
  storeUnflushed: {
    name: 'weir_collector_store_unflushed',
    help: 'Changes of templates and options state that are not in the ring yet.',
    type: 'gauge',
    labels: ['ring']
  },
  storeLag: {
    name: 'weir_collector_store_write_behind_lag_seconds',
    help: 'Age of the oldest change that is not in the ring yet.',
    type: 'gauge',
    labels: ['ring']
  },
  storeFailures: {
    name: 'weir_collector_store_failures_total',
    help: 'What went wrong with a ring: writes that failed (tried again), changes given up, entries not believed (codec: octets that nobody reads, among them), calls of a server that failed or took too long (backend), files set aside.',
    type: 'counter',
    labels: ['ring', 'kind']
  },
  storePushes: {
    name: 'weir_collector_store_pushes_total',
    help: 'Places that other pods changed and that we were told of.',
    type: 'counter'
  },
  storeRewrites: {
    name: 'weir_collector_store_rewrites_total',
    help: 'Times that everything live was put into the shared store again, because it may have lost something.',
    type: 'counter'
  },
  storeUnwritten: {
    name: 'weir_collector_store_unwritten_total',
    help: 'Templates and options records not written to the stores, because their exporter says more than it could have live (L-18).',
    type: 'counter'
  },
  templatesRestored: {
    name: 'weir_collector_templates_restored_total',
    help: 'Templates taken up from a store, by source: file of this worker, store of all pods, session (the last TCP session, where the policy of the exporter allows that).',
    type: 'counter',
    labels: ['source']
  },
  templateConflicts: {
    name: 'weir_collector_template_conflicts_total',
    help: 'Definitions of the shared store that say something else than what was announced here, later: each pod goes by what it was told itself.',
    type: 'counter'
  },
  remembered: {
    name: 'weir_collector_remembered_entries',
    help: 'Templates and options records of exporters that stores know and that were not seen since the start (L-12).',
    type: 'gauge'
  },
  rememberedOctets: {
    name: 'weir_collector_remembered_octets',
    help: 'Memory of these, estimated (L-12).',
    type: 'gauge'
  },
  recallsLimited: {
    name: 'weir_collector_store_limited_total',
    help: 'Places that did not fit into memory at the start (remembered: L-12), questions put off because sessions not verified caused too many (unverified: L-02) or because too many waited (queue).',
    type: 'counter',
    labels: ['limit']
  },
  relayedExporters: {
    name: 'weir_collector_relayed_exporters',
    help: 'Exporters that others relay for, counted once for each Observation Domain that they come in (L-17).',
    type: 'gauge'
  },
  relayedRecords: {
    name: 'weir_collector_relayed_records_total',
    help: 'Data Records of senders that relay for others: relayed in the name of the exporter that they name, unnamed and limited (too many exporters, L-17) in that of the sender.',
    type: 'counter',
    labels: ['outcome']
  },
  exporters: {
    name: 'weir_collector_exporters',
    help: 'Exporters that have a session.',
    type: 'gauge'
  },
  exporterStates: {
    name: 'weir_collector_exporter_states',
    help: 'Exporters by where they are in their life: discovered, active, silent, rebooted, skewed.',
    type: 'gauge',
    labels: ['state']
  },
  events: {
    name: 'weir_collector_events_total',
    help: 'Events for the control API: told, and suppressed because too many of a kind came at once.',
    type: 'counter',
    labels: ['outcome']
  },
  exporterMessages: {
    name: 'weir_collector_exporter_messages',
    help: 'Messages of an exporter in its sessions; begins anew when it has been gone.',
    type: 'gauge',
    labels: ['exporter']
  },
  exporterRecords: {
    name: 'weir_collector_exporter_records',
    help: 'Data Records of an exporter in its sessions; begins anew when it has been gone.',
    type: 'gauge',
    labels: ['exporter']
  },
  exporterClockSkew: {
    name: 'weir_collector_exporter_clock_skew_seconds',
    help: 'Export Time of an exporter less our own clock; not for `other`.',
    type: 'gauge',
    labels: ['exporter']
  }
})
