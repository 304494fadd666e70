import type { CollectorParts } from './collector.ts'
import { addCounts, noCounts, type SequenceSums } from './domain-sequence.ts'
import type { Exporter } from './exporter.ts'
import { dropsToJson } from './ledger.ts'
import type { ListenerState } from './listener-set.ts'
import { scopeDecisionOf, scopesToJson } from './scope/scope-state.ts'
import type { Session } from './session.ts'
import type { TcpListener } from './tcp-listener.ts'

function addSession(sums: SequenceSums, session: Session): void {
  for (const { sequence } of session.domains.values()) addCounts(sums, sequence.counts)
}

/** Of all sessions, ended ones too. `lost` of IPFIX are records, of v9 packets, of v5 and v7 flows. */
export function sequenceSums({ ledger, sessions }: CollectorParts): SequenceSums {
  const sums = { ...ledger.endedSequence }
  for (const session of sessions.values()) addSession(sums, session)
  return sums
}

/** The collector's part of the ledger as plain numbers: the names of the ledger page. */
export function ledgerToJson(parts: CollectorParts) {
  const { ledger, link } = parts
  const { messages, dataSets, records } = ledger
  const { admitted, settled, inWindow, redelivered } = link.stats.records
  return {
    messages: { ...messages, dropped: dropsToJson(messages.dropped) },
    dataSets: { ...dataSets, dropped: dropsToJson(dataSets.dropped) },
    records: { ...records, dropped: dropsToJson(records.dropped) },
    window: {
      admitted,
      settled,
      inWindow: inWindow - ledger.unsettledAtEnd,
      redelivered,
      dropped: ledger.unsettledAtEnd > 0 ? { shutdown: ledger.unsettledAtEnd } : {}
    },
    sequence: sequenceSums(parts),
    kernel: kernelDrops(parts)
  }
}

/** Of listeners that are gone too. */
function kernelDrops({ udp, listeners }: CollectorParts): Record<string, number> {
  const drops = new Map(listeners.formerDrops)
  for (const { listener } of udp) {
    const { name } = listener.config
    drops.set(name, (drops.get(name) ?? 0) + listener.kernelDrops)
  }
  return Object.fromEntries(drops)
}

/** Answer of `collector.state`. */
export function collectorState(parts: CollectorParts) {
  const { spool, quarantine } = parts
  const { sessions, exporters, pending, options, recollection, events, intake, budget, layouts, penalties } = parts
  return {
    startedAtMs: parts.startedAtMs,
    listeners: listenersToJson(parts),
    exporters: exporters.size,
    sessions: {
      udp: sessions.udpSessions,
      unverified: sessions.unverifiedSessions,
      tcp: sessions.tcpSessions,
      punished: penalties.punished,
      ...sessions.counters
    },
    templates: {
      live: budget.templates,
      octets: budget.octets,
      refused: budget.refused,
      layouts: layouts.size,
      restored: recollection.restored,
      waitingInStore: recollection.waiting,
      changes: { ...events.changes },
      restoredFrom: { ...parts.restorer.templates },
      conflicts: parts.restorer.conflicts,
      store: { ...parts.store.stats },
      shared: sharedToJson(parts)
    },
    relayed: { exporters: parts.relays.size, records: { ...parts.relays.counters } },
    scope: { decisions: { ...parts.scopes.counters }, hints: { ...parts.scopes.hints } },
    pending: { sets: pending.size, octets: pending.octets, spool: { ...spool.stats } },
    quarantine: { ...quarantine.counts, began: { ...quarantine.began }, ended: { ...quarantine.ended } },
    options: { ...options.stats },
    faults: Object.fromEntries(Object.entries(intake.faultCounts).filter(([, count]) => count > 0)),
    ledger: ledgerToJson(parts),
    link: linkToJson(parts)
  }
}

/** The store that pods share, or null. */
function sharedToJson({ shared, recollection }: CollectorParts) {
  if (shared === undefined) return null
  const { isWarm, rememberedPlaces, rememberedOctets, asked, refusedReads, limited, rewrites } = recollection
  return {
    health: shared.health,
    isWarm,
    remembered: { places: rememberedPlaces, octets: rememberedOctets },
    reads: { waiting: asked, refused: refusedReads, overflowed: limited.reads },
    rewrites,
    stats: { ...shared.stats }
  }
}

/** In the order of the configuration, then those that are closing. */
export function listenersToJson({ udp, tcp, listeners }: CollectorParts) {
  return [
    ...udp.map(({ listener, intake }) => ({
      name: listener.config.name,
      transport: 'udp',
      state: listeners.stateOf(listener.config.name),
      address: listener.config.address,
      port: listener.port,
      socket: listener.socketKind,
      receiveBufferAskedOctets: listener.receiveBufferAsked,
      receiveBufferGrantedOctets: listener.receiveBufferGranted,
      datagrams: intake.datagrams,
      octets: intake.octets,
      kernelDrops: listener.kernelDrops,
      peers: intake.peers.size
    })),
    ...tcp.map(listener => tcpToJson(listener, listeners.stateOf(listener.config.name))),
    ...[...listeners.closing.keys()].map(listener => tcpToJson(listener, 'closing'))
  ]
}

const tcpToJson = (listener: TcpListener, state: ListenerState) => ({
  name: listener.config.name,
  transport: 'tcp',
  state,
  address: listener.config.address,
  port: listener.port,
  connections: listener.connections.size,
  octets: listener.octets,
  ...listener.counters
})

/** Through whom its records come: load balancers that name it, senders that relay for it. */
function viaOf({ sessions, relayed }: Exporter): string[] {
  const via = new Set<string>()
  for (const { identity } of sessions.values()) if (identity.via !== undefined) via.add(identity.via)
  for (const { domain } of relayed ?? []) via.add(domain.session.exporter.id)
  return [...via]
}

/** One exporter in a list. */
export function exporterSummary(exporter: Exporter) {
  const sequence = noCounts()
  const versions = new Set<number>()
  let domains = 0
  let templates = 0
  for (const session of exporter.sessions.values()) {
    addSession(sequence, session)
    versions.add(session.identity.version)
    domains += session.domains.size
    for (const { table } of session.domains.values()) templates += table.size
  }
  return {
    id: exporter.id,
    via: viaOf(exporter),
    address: exporter.address.text,
    state: exporter.life.state,
    stateSinceAtMs: exporter.life.sinceAtMs,
    stateReasons: [...exporter.life.reasons],
    rebootedAtMs: exporter.life.rebootedAtMs ?? null,
    scopeDecision: scopeDecisionOf(exporter),
    versions: [...versions].toSorted((a, b) => a - b),
    sessions: exporter.sessions.size,
    domains,
    templates,
    firstSeenAtMs: exporter.firstSeenAtMs,
    lastSeenAtMs: exporter.lastSeenAtMs,
    messages: exporter.messages,
    octets: exporter.octets,
    records: exporter.records,
    malformed: exporter.malformed,
    droppedSets: exporter.droppedSets,
    droppedRecords: exporter.droppedRecords,
    clockSkewMs: exporter.clockSkewMs,
    sequence
  }
}

/** Answer of `collector.exporter`. */
export function exporterState(parts: CollectorParts, exporter: Exporter) {
  const wallOffsetMs = parts.clock.nowMs() - parts.clock.monotonicMs()
  return {
    ...exporterSummary(exporter),
    policy: policyToJson(parts, exporter),
    scopes: scopesToJson(exporter, parts.clock),
    relayedList: [...(exporter.relayed ?? [])].map(({ domain, records, lastSeenMs }) => ({
      via: domain.session.exporter.id,
      listener: domain.session.identity.listener,
      transport: domain.session.transport,
      version: domain.session.identity.version,
      port: domain.session.identity.port,
      odid: domain.odid,
      records,
      lastSeenAtMs: lastSeenMs + wallOffsetMs
    })),
    sessionList: [...exporter.sessions.values()].map(session => ({
      listener: session.identity.listener,
      transport: session.transport,
      version: session.identity.version,
      port: session.identity.port,
      via: session.identity.via ?? null,
      scope: session.identity.scope,
      openedAtMs: session.openedAtMs,
      lastSeenAtMs: session.lastSeenMs + wallOffsetMs,
      isVerified: session.isVerified,
      messages: session.messages,
      pendingSets: session.hasPending ? session.pending.size : 0,
      domains: [...session.domains.values()].map(domain => {
        const sequence = noCounts()
        addCounts(sequence, domain.sequence.counts)
        return {
          odid: domain.odid,
          templates: domain.table.size,
          lastExportTimeSec: domain.lastExportTimeSec,
          v5Sampling: domain.source?.v5Sampling ?? -1,
          sequence
        }
      })
    }))
  }
}

/** What holds for it, and what of that was said through the API. */
function policyToJson({ policies }: CollectorParts, { id }: Exporter) {
  const { scope = null, resumeTemplates = null, silentMs = null, skewMs = null } = policies.single.get(id) ?? {}
  return { ...policies.policyFor(id), set: { scope, resumeTemplates, silentMs, skewMs } }
}

function linkToJson({ link, forwarder }: CollectorParts) {
  const { state, epoch, receiverEpoch, reconnects, peerRestarts, records, batches, inWindowOctets } = link.stats
  const { refusedAppends, frames, definitions } = link.stats
  return {
    state,
    epoch,
    receiverEpoch,
    reconnects,
    peerRestarts,
    inWindowOctets,
    refusedAppends,
    records: { ...records },
    batches: { ...batches },
    frames: { ...frames },
    definitions: { ...definitions },
    heldEntries: forwarder.heldEntries
  }
}
