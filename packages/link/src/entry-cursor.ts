import type { Layout } from '@weir/ipfix'
import type { DefinitionShelf } from './definition-shelf.ts'
import { ENTRY_HEADER_OCTETS, ENTRY_SIBLING, ENTRY_STATE, MAX_ENTRY_OCTETS, entryFields, entryOctets } from './entry.ts'
import { FRAME_HEADER_OCTETS } from './frame.ts'
import type { BatchEntries } from './received-batch.ts'
import type { Source } from './source.ts'

/** Walks the entries of a frame that {@link checkEntries} found right. */
export class EntryCursor implements BatchEntries {
  layout!: Layout
  source!: Source
  context: ReadonlyMap<number, Layout> | undefined
  exportTimeSec = 0
  receivedAtMs = 0
  bootTimeMs = Number.NaN
  records = 0
  offset = 0
  lengthOctets = 0
  isState = false
  isSibling = false
  readonly #view: DataView
  readonly #shelf: DefinitionShelf
  #next = FRAME_HEADER_OCTETS
  #end: number

  constructor(view: DataView, shelf: DefinitionShelf) {
    this.#view = view
    this.#shelf = shelf
    this.#end = view.byteLength
  }

  /** Nothing follows any more: the octets are gone. */
  close(): void {
    this.#end = 0
  }

  reset(): void {
    this.#next = FRAME_HEADER_OCTETS
  }

  next(): boolean {
    const view = this.#view
    const at = this.#next
    if (at >= this.#end) return false
    this.layout = this.#shelf.layout(view.getUint32(at + entryFields.layoutId, true)) as Layout
    this.source = this.#shelf.source(view.getUint32(at + entryFields.sourceId, true)) as Source
    const contextId = view.getUint32(at + entryFields.contextId, true)
    this.context = contextId === 0 ? undefined : this.#shelf.context(contextId)
    this.exportTimeSec = view.getUint32(at + entryFields.exportTimeSec, true)
    this.receivedAtMs = view.getFloat64(at + entryFields.receivedAtMs, true)
    this.bootTimeMs = view.getFloat64(at + entryFields.bootTimeMs, true)
    this.records = view.getUint32(at + entryFields.records, true)
    this.lengthOctets = view.getUint32(at + entryFields.lengthOctets, true)
    this.offset = at + ENTRY_HEADER_OCTETS
    const flags = view.getUint32(at + entryFields.flags, true)
    this.isState = (flags & ENTRY_STATE) !== 0
    this.isSibling = (flags & ENTRY_SIBLING) !== 0
    this.#next = at + view.getUint32(at + entryFields.entryOctets, true)
    return true
  }
}

/**
 * Check every entry of a batch or state frame: within the frame, flags known, counts right, ids known.
 *
 * @param records - records of the entries that are not state, as the frame's header has it.
 */
export function checkEntries(
  view: DataView,
  shelf: DefinitionShelf,
  entries: number,
  records: number
): 'right' | 'wrong' | 'undefined' {
  const end = view.byteLength
  let at = FRAME_HEADER_OCTETS
  let countedEntries = 0
  let countedRecords = 0
  while (at < end) {
    if (end - at < ENTRY_HEADER_OCTETS) return 'wrong'
    const flags = view.getUint32(at + entryFields.flags, true)
    const lengthOctets = view.getUint32(at + entryFields.lengthOctets, true)
    const size = view.getUint32(at + entryFields.entryOctets, true)
    if (flags > (ENTRY_STATE | ENTRY_SIBLING) || flags === ENTRY_SIBLING || lengthOctets > MAX_ENTRY_OCTETS)
      return 'wrong'
    if (size !== entryOctets(lengthOctets) || size > end - at) return 'wrong'
    const layout = shelf.layout(view.getUint32(at + entryFields.layoutId, true))
    const contextId = view.getUint32(at + entryFields.contextId, true)
    if (layout === undefined || shelf.source(view.getUint32(at + entryFields.sourceId, true)) === undefined) {
      return 'undefined'
    }
    if (contextId !== 0 && shelf.context(contextId) === undefined) return 'undefined'
    const count = view.getUint32(at + entryFields.records, true)
    const isCountRight =
      layout.recordLength >= 0
        ? count * layout.recordLength === lengthOctets
        : count * layout.minRecordLength <= lengthOctets
    if (count === 0 || !isCountRight) return 'wrong'
    countedEntries++
    if (flags === 0) countedRecords += count
    at += size
  }
  return countedEntries === entries && countedRecords === records ? 'right' : 'wrong'
}
