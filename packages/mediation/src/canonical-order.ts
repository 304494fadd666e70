// Equal content gives equal templates whatever order exporters chose (RFC 7119 §4.1.1). New elements go in by (pen, id).
const first = [
  // When.
  152, 153, 154, 155, 156, 157, 150, 151, 22, 21, 161, 162, 323, 324, 325,
  // From whom to whom.
  8, 12, 27, 28, 7, 11, 4, 6, 5, 55, 32, 139, 176, 177, 178, 179, 225, 226, 227, 228, 281, 282, 230,
  // How much.
  2, 1, 86, 85, 24, 23, 136,
  // Which way.
  15, 62, 10, 14, 16, 17, 9, 13, 29, 30, 18, 63, 61, 58, 59, 56, 80, 57, 81, 31
]

const samplingLast = [302, 304, 305, 306]
const lineageLast = [403, 404, 405, 258]

const rankById = new Map<number, number>()
for (const [rank, id] of first.entries()) rankById.set(id, rank)
for (const [rank, id] of samplingLast.entries()) rankById.set(id, 2000 + rank)
for (const [rank, id] of lineageLast.entries()) rankById.set(id, 3000 + rank)

const rankOf = (element: { readonly pen: number; readonly id: number }): number =>
  element.pen === 0 ? (rankById.get(element.id) ?? 1000) : 1000

/**
 * Compare two elements by the order in which every normalised record has them: times, addresses, ports, counters,
 * routing, then the others by (pen, id), then sampling, then lineage. 0 for equal elements only, so a stable sort keeps
 * the order of repeated ones (RFC 7011 §8: their order is meaningful).
 */
export function compareElements(
  a: { readonly pen: number; readonly id: number },
  b: { readonly pen: number; readonly id: number }
): number {
  return rankOf(a) - rankOf(b) || a.pen - b.pen || a.id - b.id
}
