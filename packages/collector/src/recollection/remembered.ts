import {
  entryField,
  supersedes,
  type StoredDecision,
  type StoredEntry,
  type StoredOptions,
  type StoredSequence,
  type StoredTemplate
} from '@weir/templates'

/** Memory of a place and of an entry beyond the octets of options records, estimated. */
const PLACE_OCTETS = 300
const ENTRY_OCTETS = 200

/** What stores knew of one place. */
export class Remembered {
  templates: StoredTemplate[] = []
  options: StoredOptions[] = []
  sequence: StoredSequence | undefined
  decision: StoredDecision | undefined
  /** Which uninterrupted time of the shared ring it was read in; -1 for what only the local ring said. */
  epoch = -1
  /** The domain has it. */
  isApplied = false

  get entries(): number {
    return this.templates.length + this.options.length
  }

  get isEmpty(): boolean {
    return this.entries === 0 && this.sequence === undefined && this.decision === undefined
  }

  /** Estimated memory. */
  get octets(): number {
    let octets = PLACE_OCTETS + ENTRY_OCTETS * this.entries
    for (const record of this.options) octets += record.octets.length
    return octets
  }

  /** Take further entries in; of two with one name the one that supersedes the other stays. */
  add(entries: readonly StoredEntry[]): void {
    if (this.isEmpty) return this.#append(entries)
    const byField = new Map<string, StoredEntry>()
    for (const entry of [...this.templates, ...this.options]) byField.set(entryField(entry), entry)
    if (this.sequence !== undefined) byField.set(entryField(this.sequence), this.sequence)
    if (this.decision !== undefined) byField.set(entryField(this.decision), this.decision)
    for (const entry of entries) {
      const field = entryField(entry)
      const known = byField.get(field)
      if (known === undefined || supersedes(entry, known)) byField.set(field, entry)
    }
    this.templates = []
    this.options = []
    this.#append(byField.values())
  }

  #append(entries: Iterable<StoredEntry>): void {
    for (const entry of entries) {
      if (entry.kind === 'template') this.templates.push(entry)
      else if (entry.kind === 'options') this.options.push(entry)
      else if (entry.kind === 'sequence') this.sequence = entry
      else this.decision = entry
    }
  }
}
