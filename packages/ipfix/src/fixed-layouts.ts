import type { FieldSpecifier, Layout, LayoutTable } from './layout.ts'

/** Versions whose records have one fixed shape. */
export type FixedVersion = 1 | 5 | 7

/** Octets of the header and of one record, and the most records of one datagram (Cisco's tables). */
export interface FixedFormat {
  readonly headerOctets: number
  readonly recordOctets: number
  readonly maxRecords: number
}

/**
 * The fixed formats: v1 carries 24 flows by its table, v7 28; 30 are taken if they are there (RV7-1). Cisco's table of v1
 * can be read as 52 octets a record; exporters (fprobe, softflowd) send 48, as tshark, nfdump and ntop read it.
 */
export const fixedFormats: Readonly<Record<FixedVersion, FixedFormat>> = {
  1: { headerOctets: 16, recordOctets: 48, maxRecords: 30 },
  5: { headerOctets: 24, recordOctets: 48, maxRecords: 30 },
  7: { headerOctets: 24, recordOctets: 52, maxRecords: 30 }
}

const padding = 210

/** sourceIPv4Address to destinationTransportPort: the 36 octets that all three begin with. */
const common = '8:4 12:4 15:4 10:2 14:2 2:4 1:4 22:4 21:4 7:2 11:2'

const shapes: Readonly<Record<FixedVersion, string>> = {
  1: `${common} ${padding}:2 4:1 5:1 6:1 ${padding}:7`,
  5: `${common} ${padding}:1 6:1 4:1 5:1 16:2 17:2 9:1 13:1 ${padding}:2`,
  // The two flags fields say which of the others are valid and have no element; router_sc is the router that the
  // switch exports for: exporterIPv4Address, which is there for an exporter that stands behind another.
  7: `${common} ${padding}:1 6:1 4:1 5:1 16:2 17:2 9:1 13:1 ${padding}:2 130:4`
}

function fieldsOf(shape: string): FieldSpecifier[] {
  return shape.split(' ').map(text => {
    const [id, length] = text.split(':').map(Number)
    return { pen: 0, id, length }
  })
}

/**
 * The Layout of NetFlow v1, v5 or v7 records, over the record's own octets: IANA elements, pads and flags without an
 * element as paddingOctets (210), times as they are (22, 21: milliseconds of sysUpTime). Retained once for each call.
 */
export function fixedLayout(layouts: LayoutTable, version: FixedVersion): Layout {
  const layout = layouts.intern(fieldsOf(shapes[version]), 0)
  layouts.retain(layout)
  return layout
}
