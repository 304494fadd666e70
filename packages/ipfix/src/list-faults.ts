/**
 * Why a list value cannot be read (RFC 6313). The value is kept as octets and flagged, its record and its Message stay
 * good: none of these drops anything.
 */
export const listFaults = {
  LIST_SHORT: 'a list ends inside its own header (RFC 6313 §4.5)',
  LIST_ELEMENT_LENGTH:
    'a basicList has elements of zero octets, or of a length their type does not allow (RFC 6313 §4.5.1)',
  LIST_OVERRUN: 'an element or a record runs past the end of its list (RFC 6313 §4.5)',
  LIST_ENTRY_LENGTH:
    'Data Records Length is 1 to 3, or runs past the end of its subTemplateMultiList (RFC 6313 §4.5.3)',
  LIST_DEPTH: 'lists are nested deeper than the limit allows (L-23)',
  LIST_ELEMENTS: 'the lists of one Message hold more elements than the limit allows (L-23)'
} as const satisfies Record<string, string>

/** Code of a fault in a list value; {@link listFaults} has its sentence, the ledger's reason is `list_malformed`. */
export type ListFaultCode = keyof typeof listFaults

/** Name of a structured data type semantic, or its number as text if it is unassigned (RFC 6313 §4.4). */
export function listSemanticName(semantic: number): string {
  return semanticNames.get(semantic) ?? String(semantic)
}

const semanticNames = new Map<number, string>([
  [0, 'noneOf'],
  [1, 'exactlyOneOf'],
  [2, 'oneOrMoreOf'],
  [3, 'allOf'],
  [4, 'ordered'],
  [255, 'undefined']
])
