import type { InformationElement } from './element.ts'

/** Where exporters agree with each other and not with the IANA registry. Each has its reason; not a place for wishes. */
export const ianaOverrides: readonly InformationElement[] = [
  // The registry says unsigned8, as NetFlow v9 began (RFC 3954 §8: one octet). Routers send 2 and 4 octets (Cisco in v9,
  // Huawei in IPFIX in every template): as unsigned8 all their templates would be refused (RFC 7011 §6.2). Its successor
  // selectorId (302) is wider still.
  { pen: 0, id: 48, name: 'samplerId', type: 'unsigned32', semantics: 'identifier', status: 'deprecated' }
]
