import type { Layout } from '@weir/ipfix'
import type { LinkSender, LinkSenderStats, Source, SourceFields } from '@weir/link'

/** One entry as the link was given it. */
export interface Entry {
  readonly layout: Layout
  readonly source: Source
  readonly contextId: number
  readonly exportTimeSec: number
  readonly receivedAtMs: number
  readonly bootTimeMs: number
  readonly records: number
  readonly hex: string
  readonly isState: boolean
}

/** A link that keeps what it is given, and is full when it is told to be. */
export class FakeLink implements LinkSender {
  readonly entries: Entry[] = []
  readonly sources = new Map<number, Source>()
  readonly contexts = new Map<number, ReadonlyMap<number, Layout>>()
  readonly releasedLayouts: Layout[] = []
  /** Entries still taken before `append` refuses. */
  room = Infinity
  isWritable = true
  isStarted = false
  isStopped = false
  /** Of which exporter the entries are kept; all, if undefined. The others are counted only. */
  keptExporter: string | undefined
  /** Whether `stop` settles what it has. */
  settles = true
  #ids = 0
  #admitted = 0
  #settled = 0
  readonly #writable: (() => void)[] = []
  readonly #restart: (() => void)[] = []
  #waiting: (() => void)[] = []

  async start(): Promise<void> {
    this.isStarted = true
  }

  async stop(): Promise<void> {
    this.isStopped = true
    if (this.settles) this.#settled = this.#admitted
  }

  defineSource(fields: SourceFields): Source {
    const source = { ...fields, id: ++this.#ids, address: fields.address.slice() }
    this.sources.set(source.id, source)
    return source
  }

  releaseSource(source: Source): void {
    this.sources.delete(source.id)
  }

  defineContext(entries: ReadonlyMap<number, Layout>): number {
    this.contexts.set(++this.#ids, new Map(entries))
    return this.#ids
  }

  releaseContext(id: number): void {
    this.contexts.delete(id)
  }

  releaseLayout(layout: Layout): void {
    if (this.keptExporter === undefined) this.releasedLayouts.push(layout)
  }

  append(...values: Parameters<LinkSender['append']>): boolean {
    if (this.room <= 0) return false
    this.room--
    this.#admitted += values[6]
    this.#keep(values, false)
    return true
  }

  appendState(...values: Parameters<LinkSender['append']>): boolean {
    this.#keep(values, true)
    return true
  }

  flush(): void {}

  onWritable(callback: () => void): void {
    this.#writable.push(callback)
  }

  onSettled(): void {}

  onPeerRestart(callback: () => void): void {
    this.#restart.push(callback)
  }

  /** The mediator has restarted. */
  restartPeer(): void {
    for (const callback of this.#restart) callback()
  }

  /** No room for anything. */
  fill(): void {
    this.room = 0
    this.isWritable = false
  }

  /** Room again. */
  empty(room = Infinity): void {
    this.room = room
    this.isWritable = true
    for (const callback of this.#writable) callback()
  }

  get records(): number {
    return this.entries.reduce((sum, entry) => sum + (entry.isState ? 0 : entry.records), 0)
  }

  /** Octets of the records as hex, without the state entries. */
  get hex(): string[] {
    return this.entries.filter(entry => !entry.isState).map(entry => entry.hex)
  }

  /** Resolves when as many records have come. */
  async untilRecords(count: number): Promise<void> {
    while (this.records < count) await new Promise<void>(resolve => this.#waiting.push(resolve))
  }

  get stats(): LinkSenderStats {
    return {
      epoch: '0'.repeat(16),
      receiverEpoch: '',
      state: 'ready',
      reconnects: 0,
      peerRestarts: 0,
      records: {
        admitted: this.#admitted,
        settled: this.#settled,
        inWindow: this.#admitted - this.#settled,
        redelivered: 0
      },
      batches: { sealed: 0, settled: 0, inWindow: 0, unsent: 0, redelivered: 0, resent: 0 },
      inWindowOctets: 0,
      refusedAppends: 0,
      frames: { corrupt: 0, foreign: 0, nacks: 0 },
      definitions: { layouts: 0, sources: this.sources.size, contexts: this.contexts.size }
    }
  }

  #keep(values: Parameters<LinkSender['append']>, isState: boolean): void {
    const [layout, source, contextId, exportTimeSec, receivedAtMs, bootTimeMs, records, octets, offset, length] = values
    if (this.keptExporter !== undefined && source.exporterId !== this.keptExporter) return
    const hex = Buffer.from(octets.slice(offset, offset + length)).toString('hex')
    this.entries.push({
      layout,
      source,
      contextId,
      exportTimeSec,
      receivedAtMs,
      bootTimeMs,
      records,
      hex,
      isState
    })
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }
}
