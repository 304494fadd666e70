import { SequenceTracker } from '@weir/ipfix'
import { SourceFacts } from '@weir/mediation'
import type { Endpoint, LayoutLookup, MessageHeader } from '@weir/ipfix'

/** One Transport Session's Observation Domain: what it sent, what is missing, what its options records said. */
export class FlowDomain {
  /** Text of the exporter's address; '' where the input does not say. */
  readonly exporter: string
  readonly exporterPort: number
  readonly odid: number
  /** Of its first Message: 1, 5, 7, 9, 10. */
  readonly version: number
  readonly templates: LayoutLookup
  /** `lost`, `duplicated`, `reordered`, `restarts`, `undecoded` in the version's unit (IPFIX: records; v9: packets; v5: flows). */
  readonly sequence = new SequenceTracker()
  /** Sampling rates and boot time. */
  readonly facts = new SourceFacts()
  /** 16 octets; IPv4 in the first four. */
  readonly address: Uint8Array
  readonly isIPv6: boolean
  messages = 0
  octets = 0
  records = 0
  optionsRecords = 0
  /** Of Data Sets whose template was not known when they came. */
  unknownSets = 0
  /** Of all Messages; Infinity and -Infinity while there is none. */
  firstExportTimeSec = Infinity
  lastExportTimeSec = -Infinity

  constructor(
    source: Endpoint,
    { odid, version }: Pick<MessageHeader, 'odid' | 'version'>,
    templates: LayoutLookup,
    address: ExporterAddress
  ) {
    this.exporter = source.address
    this.exporterPort = source.port
    this.odid = odid
    this.version = version
    this.templates = templates
    this.address = address.octets
    this.isIPv6 = address.isIPv6
  }
}

/** An address as Programs want it. */
export interface ExporterAddress {
  /** 16; IPv4 in the first four. */
  readonly octets: Uint8Array
  readonly isIPv6: boolean
}
