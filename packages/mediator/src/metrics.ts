import { createMetrics, defineMetrics } from '@weir/runtime'
import { destinationModes } from './destinations/destination-mode.ts'
import { destinationDropReasons } from './ledger.ts'
import type { Metrics, Report } from '@weir/runtime'
import type { DestinationState } from './destinations/destination-state.ts'
import type { MediatorState } from './mediator.ts'

const labels = ['destination'] as const

/** All metrics of the mediator. Destinations are few and named by the operator, so their ids are labels. */
export const mediatorMetrics = defineMetrics({
  received: {
    name: 'weir_mediator_received_records_total',
    help: 'Records that came over the link to be exported.',
    type: 'counter'
  },
  redeliveredIn: {
    name: 'weir_mediator_redelivered_records_total',
    help: 'Of these, records that an earlier mediator had been sent already.',
    type: 'counter'
  },
  batches: { name: 'weir_mediator_received_batches_total', help: 'Batches that came over the link.', type: 'counter' },
  settled: {
    name: 'weir_mediator_settled_batches_total',
    help: 'Batches of which every record was sent or counted as dropped.',
    type: 'counter'
  },
  unsettled: { name: 'weir_mediator_unsettled_batches', help: 'Batches that wait for a destination.', type: 'gauge' },
  sources: {
    name: 'weir_mediator_sources',
    help: 'Sessions and Observation Domains named by the collector.',
    type: 'gauge'
  },
  options: { name: 'weir_mediator_options_records', help: 'Options records kept, L-16.', type: 'gauge' },
  programs: { name: 'weir_mediator_programs', help: 'Programs kept.', type: 'gauge' },
  compiled: { name: 'weir_mediator_compiled_programs_total', help: 'Programs compiled.', type: 'counter' },
  evicted: {
    name: 'weir_mediator_evicted_programs_total',
    help: 'Programs forgotten because there were too many, L-14.',
    type: 'counter'
  },
  postponed: {
    name: 'weir_mediator_postponed_compilations_total',
    help: 'Times that a Program was not compiled yet because of the compilations of that second, L-14.',
    type: 'counter'
  },
  uncompilable: {
    name: 'weir_mediator_uncompilable_programs_total',
    help: 'Programs that stay with the interpreter: too many fields, or too much text, L-14.',
    type: 'counter'
  },
  malformedLists: {
    name: 'weir_mediator_malformed_lists_total',
    help: 'Lists malformed or beyond a bound (L-23), exported empty, or as invalid in JSON; once for each destination.',
    type: 'counter'
  },
  unknownListTemplates: {
    name: 'weir_mediator_unknown_list_templates_total',
    help: 'Template ids in lists that are not known: what they describe is exported as it came (RFC 6313).',
    type: 'counter'
  },
  deltaTimeLists: {
    name: 'weir_mediator_delta_time_lists_total',
    help: 'Lists exported with delta times in them, which are late by as long as they were on their way (RFC 7119).',
    type: 'counter'
  },
  taps: { name: 'weir_mediator_taps', help: 'Open taps, L-78.', type: 'gauge' },
  tapShown: {
    name: 'weir_mediator_tap_shown_records_total',
    help: 'Records shown by taps that are closed.',
    type: 'counter'
  },
  tapDropped: {
    name: 'weir_mediator_tap_dropped_records_total',
    help: 'Records that taps that are closed had no room for, because their readers were slow. No destination missed them.',
    type: 'counter'
  },
  matched: {
    name: 'weir_mediator_destination_matched_records_total',
    help: 'Records for this destination; filtered, sent, queued and dropped add up to it.',
    type: 'counter',
    labels
  },
  filtered: {
    name: 'weir_mediator_destination_filtered_records_total',
    help: 'Records that its filter kept back.',
    type: 'counter',
    labels
  },
  sent: {
    name: 'weir_mediator_destination_sent_records_total',
    help: "Records in the kernel's send buffer or in a file.",
    type: 'counter',
    labels
  },
  queued: { name: 'weir_mediator_destination_queue_records', help: 'Records that wait.', type: 'gauge', labels },
  queueOctets: {
    name: 'weir_mediator_destination_queue_octets',
    help: 'Octets of batches that wait, L-40.',
    type: 'gauge',
    labels
  },
  queueLimit: {
    name: 'weir_mediator_destination_queue_limit_octets',
    help: 'Bound of the octets that wait, L-40.',
    type: 'gauge',
    labels
  },
  dropped: {
    name: 'weir_mediator_destination_dropped_records_total',
    help: 'Records dropped, by reason.',
    type: 'counter',
    labels: ['destination', 'reason']
  },
  uncertain: {
    name: 'weir_mediator_destination_uncertain_records_total',
    help: 'Records of which nobody knows whether they left: their session ended first, or the network refused them.',
    type: 'counter',
    labels
  },
  redelivered: {
    name: 'weir_mediator_destination_redelivered_records_total',
    help: 'Records encoded once more in a new session: maybe twice at the receiver.',
    type: 'counter',
    labels
  },
  repeated: {
    name: 'weir_mediator_destination_repeated_options_records_total',
    help: 'Options records that were sent again for a new session or a refresh.',
    type: 'counter',
    labels
  },
  messages: {
    name: 'weir_mediator_destination_messages_total',
    help: 'IPFIX Messages written.',
    type: 'counter',
    labels
  },
  octets: {
    name: 'weir_mediator_destination_written_octets_total',
    help: 'Octets given to the kernel or a file.',
    type: 'counter',
    labels
  },
  mode: {
    name: 'weir_mediator_destination_mode',
    help: '1 for the mode that the destination is in: running, paused, draining, drained.',
    type: 'gauge',
    labels: ['destination', 'mode']
  },
  ready: { name: 'weir_mediator_destination_ready', help: '1 while it takes output.', type: 'gauge', labels },
  sessions: {
    name: 'weir_mediator_destination_sessions_total',
    help: 'Sessions opened; files begun.',
    type: 'counter',
    labels
  },
  errors: {
    name: 'weir_mediator_destination_send_errors_total',
    help: 'Sessions lost, datagrams refused, writes failed.',
    type: 'counter',
    labels
  },
  templates: {
    name: 'weir_mediator_destination_templates',
    help: 'Templates that the destination is sent.',
    type: 'gauge',
    labels
  },
  withdrawals: {
    name: 'weir_mediator_destination_withdrawals_total',
    help: 'Templates withdrawn.',
    type: 'counter',
    labels
  }
})

/** Bind the metrics to the state of one mediator. */
export function createMediatorMetrics(state: () => MediatorState): Metrics {
  const each =
    (read: (destination: DestinationState) => number) =>
    (report: Report): void => {
      for (const destination of state().destinations) report(read(destination), { destination: destination.id })
    }
  return createMetrics(mediatorMetrics, {
    received: report => report(state().ledger.records.received),
    redeliveredIn: report => report(state().ledger.records.redelivered),
    batches: report => report(state().ledger.batches.received),
    settled: report => report(state().ledger.batches.settled),
    unsettled: report => report(state().ledger.batches.unsettled),
    sources: report => report(state().sources),
    options: report => report(state().optionsRecords),
    programs: report => report(state().programs.size),
    compiled: report => report(state().programs.compiled),
    evicted: report => report(state().programs.evicted),
    postponed: report => report(state().programs.postponed),
    uncompilable: report => report(state().programs.refused),
    malformedLists: report => report(state().programs.listsMalformed),
    unknownListTemplates: report => report(state().programs.listTemplatesUnknown),
    deltaTimeLists: report => report(state().programs.listDeltaTimes),
    taps: report => report(state().taps.open),
    tapShown: report => report(state().taps.shown),
    tapDropped: report => report(state().taps.dropped),
    matched: each(({ ledger }) => ledger.matched),
    filtered: each(({ ledger }) => ledger.filtered),
    sent: each(({ ledger }) => ledger.sent),
    queued: each(({ ledger }) => ledger.queued),
    queueOctets: each(({ queue }) => queue.octets),
    queueLimit: each(({ queue }) => queue.limitOctets),
    dropped: report => {
      for (const { id, ledger } of state().destinations) {
        for (const reason of destinationDropReasons) report(ledger.dropped[reason], { destination: id, reason })
      }
    },
    uncertain: each(({ ledger }) => ledger.uncertain),
    redelivered: each(({ ledger }) => ledger.redelivered),
    repeated: each(({ repeatedRecords }) => repeatedRecords),
    messages: each(({ encoder }) => encoder.messages),
    octets: each(({ output }) => output.writtenOctets),
    mode: report => {
      for (const { id, mode } of state().destinations) {
        for (const each of destinationModes) report(each === mode ? 1 : 0, { destination: id, mode: each })
      }
    },
    ready: each(({ output }) => (output.status === 'ready' ? 1 : 0)),
    sessions: each(({ output }) => output.sessions),
    errors: each(({ output }) => output.sendErrors),
    templates: each(({ encoder }) => encoder.templates),
    withdrawals: each(({ encoder }) => encoder.withdrawals)
  })
}
