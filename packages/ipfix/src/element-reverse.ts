import type { InformationElement } from './element.ts'

/** Enterprise number under which every IANA element has its reverse (RFC 5103 §6.1). */
export const REVERSE_PEN = 29305

// RFC 5103 §6.1: flowId, templateId, observationDomainId, commonPropertiesId; the configuration and the statistics of
// processes (RFC 5102 §5.2, §5.3); paddingOctets; biflowDirection. Later elements that meet its criteria follow.
const nonReversible = new Set<number>([
  148, 145, 149, 137, 130, 131, 173, 211, 212, 213, 214, 215, 216, 217, 40, 41, 42, 163, 164, 165, 166, 167, 168, 210,
  239, 258, 259, 262, 263, 266, 267, 276, 300, 303, 339, 340, 341, 342, 343, 344, 345, 346, 403, 404, 405, 406, 407
])

/**
 * Whether the IANA element of this id has a reverse form (RFC 5103 §6.1): false for what belongs to a Biflow as a whole or
 * to the protocol itself. Their reverse must never be exported.
 */
export function isReversible(id: number): boolean {
  return id !== 0 && !nonReversible.has(id)
}

/**
 * The reverse of an IANA element: PEN 29305, same id, type, semantics, units and range; the name is `reverse` and the
 * name with a capital.
 *
 * @param forward - pen 0 and reversible.
 */
export function reverseOf(forward: InformationElement): InformationElement {
  return { ...forward, pen: REVERSE_PEN, name: `reverse${forward.name[0].toUpperCase()}${forward.name.slice(1)}` }
}
