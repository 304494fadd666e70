import type { StoredOptions, StoredTemplate } from '../../src/index.ts'

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
    firstSeenMs: 1_700_000_000_000,
    lastSeenMs: 1_700_000_060_000,
    announcements: 2,
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
