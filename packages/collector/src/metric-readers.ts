import { createMetrics, LabelBound, type Metrics, type Report } from '@weir/runtime'
import type { TemplateStoreStats } from '@weir/templates'
import { sequenceSums } from './collector-state.ts'
import type { CollectorParts } from './collector.ts'
import type { Exporter } from './exporter.ts'
import type { Drops } from './ledger.ts'
import { collectorMetrics } from './metrics.ts'

/** Bind {@link collectorMetrics} to a collector: read when they are scraped. */
export function createCollectorMetrics(parts: CollectorParts, isProcessIncluded = true): Metrics {
  const { ledger, link, sessions, budget } = parts
  const udp = (read: (part: CollectorParts['udp'][number]) => number) => (report: Report) => {
    for (const part of parts.udp) report(read(part), { listener: part.listener.config.name })
  }
  /** One number of each ring, or one for each value of a further label. */
  const rings = (read: (stats: TemplateStoreStats) => number | Record<string, Record<string, number>>) => {
    return (report: Report): void => {
      for (const [ring, store] of [['file', parts.store] as const, ['shared', parts.shared] as const]) {
        if (store === undefined) continue
        const value = read(store.stats)
        if (typeof value === 'number') report(value, { ring })
        else
          for (const [label, numbers] of Object.entries(value)) {
            for (const [name, number] of Object.entries(numbers)) report(number, { ring, [label]: name })
          }
      }
    }
  }
  return createMetrics(
    collectorMetrics,
    {
      messages: each('outcome', () => {
        const { received, decodedOk, decodedPartial } = ledger.messages
        return { received, decoded_ok: decodedOk, decoded_partial: decodedPartial }
      }),
      messagesDropped: drops(ledger.messages.dropped),
      dataSets: each('outcome', () => {
        const { received, takenOver, decoded, handedOver } = ledger.dataSets
        return { received, taken_over: takenOver, decoded, handed_over: handedOver }
      }),
      dataSetsDropped: drops(ledger.dataSets.dropped),
      dataSetsPending: each('where', () => ({ memory: parts.pending.size, spool: parts.spool.stats.sets })),
      pendingOctets: each('where', () => ({ memory: parts.pending.octets, spool: parts.spool.stats.octets })),
      dataSetsQuarantined: each('where', () => ({
        memory: parts.pending.heldSets,
        spool: parts.spool.stats.heldSets
      })),
      quarantinedOctets: each('where', () => ({
        memory: parts.pending.heldOctets,
        spool: parts.spool.stats.heldOctets
      })),
      quarantinedDataSets: report => report(parts.quarantine.counts.sets),
      quarantinedDataSetOctets: report => report(parts.quarantine.counts.octets),
      quarantines: each('reason', () => ({ ...parts.quarantine.began })),
      quarantinesEnded: each('how', () => ({ ...parts.quarantine.ended })),
      pendingSpool: each('event', () => {
        const { written, failures, damaged } = parts.spool.stats
        return { written, failures, damaged }
      }),
      records: each('outcome', () => {
        const { decoded, filtered, admitted } = ledger.records
        return { decoded, filtered, admitted }
      }),
      recordsDropped: drops(ledger.records.dropped),
      recordsHeld: report => report(ledger.records.held),
      recordsSettled: report => report(link.stats.records.settled),
      recordsInWindow: report => report(link.stats.records.inWindow),
      recordsRedelivered: report => report(link.stats.records.redelivered),
      linkReady: report => report(link.stats.state === 'ready' ? 1 : 0),
      linkReconnects: report => report(link.stats.reconnects),
      windowOctets: report => report(link.stats.inWindowOctets),
      faults: report => {
        for (const [code, count] of Object.entries(parts.intake.faultCounts)) if (count > 0) report(count, { code })
      },
      sequence: each('kind', () => ({ ...sequenceSums(parts) })),
      datagrams: udp(({ intake }) => intake.datagrams),
      datagramOctets: udp(({ intake }) => intake.octets),
      kernelDrops: udp(({ listener }) => listener.kernelDrops),
      receiveBuffer: udp(({ listener }) => listener.receiveBufferGranted),
      listeners: each('state', () => parts.listeners.counts),
      connections: report => {
        const counts = new Map<string, number>()
        for (const { config, connections } of parts.listeners.connected()) {
          counts.set(config.name, (counts.get(config.name) ?? 0) + connections.size)
        }
        for (const [listener, count] of counts) report(count, { listener })
      },
      connectionsWaiting: report => report(parts.gate.waiting),
      connectionsEnded: report => {
        for (const { config, counters } of parts.tcp) {
          for (const [outcome, count] of Object.entries(counters)) {
            if (outcome !== 'partialOctets') report(count, { listener: config.name, outcome })
          }
        }
      },
      sessions: each('kind', () => ({
        udp: sessions.udpSessions,
        unverified: sessions.unverifiedSessions,
        tcp: sessions.tcpSessions
      })),
      sessionEvents: each('event', () => ({ ...sessions.counters })),
      punished: report => report(parts.penalties.punished),
      templates: report => report(budget.templates),
      templateOctets: report => report(budget.octets),
      templateSources: each('source', () => ({ ...parts.events.sources })),
      templateChanges: each('change', () => ({ ...parts.events.changes })),
      scopeDecisions: each('decision', () => ({ ...parts.scopes.counters })),
      scopeHints: each('change', () => ({ ...parts.scopes.hints })),
      options: report => report(parts.options.stats.records),
      optionsLimited: each('event', () => {
        const { evicted, refused } = parts.options.stats
        return { evicted, refused }
      }),
      storeUp: report => {
        if (parts.shared !== undefined) report(parts.shared.health === 'up' ? 1 : 0)
      },
      storeBreakerOpened: report => {
        if (parts.shared !== undefined) report(parts.shared.stats.breakerOpened)
      },
      storeReads: rings(({ reads }) => reads),
      storePlaces: rings(({ hits, misses }) => ({ outcome: { hit: hits, miss: misses } })),
      storeRoundTrips: rings(({ roundTrips }) => roundTrips),
      storeWrites: rings(({ writes, removals }) => ({ kind: { put: writes, remove: removals } })),
      storeUnflushed: rings(({ unflushed }) => unflushed),
      storeLag: rings(({ writeBehindLagMs }) => writeBehindLagMs / 1000),
      storeFailures: rings(stats => ({
        kind: {
          write: stats.writeFailures,
          dropped: stats.writesDropped,
          rejected: stats.rejected,
          codec: stats.codecErrors,
          backend: stats.backendErrors,
          quarantined: stats.quarantined
        }
      })),
      storePushes: report => {
        if (parts.shared !== undefined) report(parts.shared.stats.pushes)
      },
      storeRewrites: report => {
        if (parts.shared !== undefined) report(parts.recollection.rewrites)
      },
      storeUnwritten: report => report(parts.publisher.limited),
      templatesRestored: each('source', () => ({ ...parts.restorer.templates })),
      templateConflicts: report => report(parts.restorer.conflicts),
      remembered: report => report(parts.recollection.waiting),
      rememberedOctets: report => report(parts.recollection.rememberedOctets),
      recallsLimited: each('limit', () => {
        const { limited, refusedReads } = parts.recollection
        return { remembered: limited.places, unverified: refusedReads, queue: limited.reads }
      }),
      relayedExporters: report => report(parts.relays.size),
      relayedRecords: each('outcome', () => ({ ...parts.relays.counters })),
      exporters: report => report(parts.exporters.size),
      exporterStates: each('state', () => parts.life.counts(parts.exporters.values())),
      events: each('outcome', () => ({ ...parts.outlet.counts })),
      exporterMessages: report => reportExporters(parts, report, exporter => exporter.messages),
      exporterRecords: report => reportExporters(parts, report, exporter => exporter.records),
      exporterClockSkew: report => {
        const labels = new LabelBound(parts.settings.collector.limits.exporterLabels)
        for (const { id, clockSkewMs } of parts.exporters.values()) {
          const exporter = labels.labelOf(id)
          if (exporter !== 'other') report(clockSkewMs / 1000, { exporter })
        }
      }
    },
    { isProcessIncluded }
  )
}

/** The first exporters by name, the others as one sum (L-75). */
function reportExporters(parts: CollectorParts, report: Report, read: (exporter: Exporter) => number): void {
  const labels = new LabelBound(parts.settings.collector.limits.exporterLabels)
  let others: number | undefined
  for (const exporter of parts.exporters.values()) {
    const label = labels.labelOf(exporter.id)
    if (label === 'other') others = (others ?? 0) + read(exporter)
    else report(read(exporter), { exporter: label })
  }
  if (others !== undefined) report(others, { exporter: 'other' })
}

const drops =
  (dropped: Drops) =>
  (report: Report): void => {
    for (const [reason, count] of Object.entries(dropped)) if (count > 0) report(count, { reason })
  }

const each =
  (label: string, numbers: () => Record<string, number>) =>
  (report: Report): void => {
    for (const [name, value] of Object.entries(numbers())) report(value, { [label]: name })
  }
