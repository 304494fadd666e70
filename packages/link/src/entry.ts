/** Octets before the records of a Data Set entry. A multiple of 8. */
export const ENTRY_HEADER_OCTETS = 48
/** Most octets of records in one entry. */
export const MAX_ENTRY_OCTETS = 65_535
/** Bit of an entry's flags: options records repeated to a restarted receiver. */
export const ENTRY_STATE = 1
/** With it: they are another source's, and hold for this one too. */
export const ENTRY_SIBLING = 2

/** Octets of an entry with this many octets of records: header, records, zeros up to a multiple of 8. */
export const entryOctets = (recordsOctets: number): number => (ENTRY_HEADER_OCTETS + recordsOctets + 7) & ~7

/** Where the fields of an entry's header stand; see the README for the table. */
export const entryFields = {
  flags: 0,
  layoutId: 4,
  sourceId: 8,
  contextId: 12,
  exportTimeSec: 16,
  records: 20,
  lengthOctets: 24,
  entryOctets: 28,
  receivedAtMs: 32,
  bootTimeMs: 40
} as const
