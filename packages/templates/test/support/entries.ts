import type { ShelvedSet, StoredDecision, StoredOptions, StoredSequence, StoredTemplate } from '../../src/index.ts'

/** A template that is right by default. */
export function storedTemplate(changes: Partial<StoredTemplate> = {}): StoredTemplate {
  return {
    kind: 'template',
    scope: 'udp/10/ipfix-udp/192.0.2.1/49152',
    odid: 1,
    templateId: 256,
    scopeCount: 0,
    fields: [
      { pen: 0, id: 8, length: 4 },
      { pen: 32473, id: 15, length: 65535 }
    ],
    exportTimeSec: 1_700_000_060,
    session: 'udp 192.0.2.1:49152 ipfix-udp',
    firstSeenMs: 1_700_000_000_000,
    lastSeenMs: 1_700_000_060_000,
    announcements: 2,
    lifetimeMs: 3_600_000,
    ...changes
  }
}

/** An options record (lineCardId 1, then two counters) that is right by default. */
export function storedOptions(changes: Partial<StoredOptions> = {}): StoredOptions {
  return {
    kind: 'options',
    scope: 'udp/10/ipfix-udp/192.0.2.1/49152',
    odid: 1,
    scopeCount: 1,
    fields: [
      { pen: 0, id: 141, length: 4 },
      { pen: 0, id: 41, length: 2 }
    ],
    exportTimeSec: 1_700_000_000,
    receivedAtMs: 1_700_000_000_500,
    bootTimeMs: NaN,
    scopeOctets: 4,
    octets: Uint8Array.of(0, 0, 0, 1, 0x13, 0x45),
    ...changes
  }
}

export function storedSequence(changes: Partial<StoredSequence> = {}): StoredSequence {
  return {
    kind: 'sequence',
    scope: 'udp/10/ipfix-udp/192.0.2.1/49152',
    odid: 1,
    version: 10,
    nextSequence: 4_294_967_295,
    exportTimeSec: 1_700_000_061,
    bootTimeMs: NaN,
    atMs: 1_700_000_061_000,
    ...changes
  }
}

export function storedDecision(changes: Partial<StoredDecision> = {}): StoredDecision {
  return {
    kind: 'decision',
    scope: 'udp/10/ipfix-udp/192.0.2.1',
    odid: 1,
    decision: 'merged',
    evidence: 'equal definitions',
    exportTimeSec: 1_700_000_062,
    sinceMs: 1_700_000_062_000,
    ...changes
  }
}

/** A Data Set that waits for its template. */
export function shelvedSet(changes: Partial<ShelvedSet> = {}): ShelvedSet {
  return {
    scope: 'udp/10/ipfix-udp/192.0.2.1/49152',
    odid: 1,
    templateId: 256,
    version: 10,
    exportTimeSec: 1_700_000_060,
    receivedAtMs: 1_700_000_060_100,
    bootTimeMs: NaN,
    sequence: 17,
    octets: Uint8Array.of(192, 0, 2, 9, 1, 0x61),
    transport: 'udp',
    address: '192.0.2.1',
    port: 49_152,
    listener: 'ipfix-udp',
    ...changes
  }
}
