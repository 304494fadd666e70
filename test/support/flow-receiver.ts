import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { ElementRegistry, LayoutTable, MessageDecoder, MessageFramer, TemplateTable } from '@weir/ipfix'
import type { Layout, MessageVisitor } from '@weir/ipfix'
import { truthReader } from './flow-truth.ts'
import type { Truth, TruthReader } from './flow-truth.ts'

/** What arrived of one generator. */
export interface GeneratorTruth {
  /** Different serial numbers. */
  readonly unique: number
  readonly duplicates: number
  /** Highest serial number. */
  readonly highest: number
}

/** What a {@link FlowReceiver} has seen so far. */
export interface FlowReport {
  readonly records: number
  /** Records that do not say what was written. */
  readonly wrong: number
  /** The first of them, in words. */
  readonly firstWrong: string | undefined
  /** Messages that cannot be read, Data Sets without a template. */
  readonly malformed: number
  readonly generators: ReadonlyMap<number, GeneratorTruth>
  /** Of the records of generators below {@link DELAYED_FROM} since the last report that asked for it: written until here. */
  readonly delay: { readonly records: number; readonly p50Ms: number; readonly p99Ms: number; readonly mostMs: number }
}

/** Records of generators with this id or above may wait for a template: their delay says nothing. */
export const DELAYED_FROM = 1_000
/** Argument that makes this file the process. */
const RECEIVE = 'receive'
const MAX_DELAY_MS = 60_000
const MAX_SERIAL = 2 ** 27

/** A downstream collector over TCP, in a process of its own, that checks every value of every record. */
export class FlowReceiver {
  readonly url: string
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, port: number) {
    this.#child = child
    this.url = `tcp://127.0.0.1:${port}`
  }

  static async start(): Promise<FlowReceiver> {
    const child = fork(import.meta.filename, [RECEIVE], { serialization: 'advanced', execArgv: [] })
    child.unref()
    child.channel!.unref()
    const [port] = (await once(child, 'message')) as [number]
    return new FlowReceiver(child, port)
  }

  /** @param isNewPhase - delays are counted anew from here. */
  async report(isNewPhase = false): Promise<FlowReport> {
    const answer = once(this.#child, 'message') as Promise<[FlowReport]>
    this.#child.send({ isNewPhase })
    return (await answer)[0]
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await ended
  }
}

/** The serials of one generator. */
class Serials {
  unique = 0
  duplicates = 0
  highest = -1
  #bits = new Uint8Array(1 << 16)

  /** @returns false for a serial number that nobody writes. */
  add(serial: number): boolean {
    if (serial >= MAX_SERIAL) return false
    const index = serial >>> 3
    if (index >= this.#bits.length) {
      const grown = new Uint8Array(Math.max(index + 1, this.#bits.length * 2))
      grown.set(this.#bits)
      this.#bits = grown
    }
    const bit = 1 << (serial & 7)
    if ((this.#bits[index] & bit) === 0) this.unique++
    else this.duplicates++
    this.#bits[index] |= bit
    this.highest = Math.max(this.highest, serial)
    return true
  }
}

/** Counts what comes; the visitor of a decoder. */
class TruthCount {
  records = 0
  wrong = 0
  firstWrong: string | undefined
  malformed = 0
  readonly generators = new Map<number, Serials>()
  readonly layouts = new LayoutTable()
  delays = new Uint32Array(MAX_DELAY_MS + 1)
  readonly #readers = new Map<Layout, TruthReader | undefined>()
  readonly #truth: Truth = { generator: 0, serial: 0, writtenMs: 0 }

  add(layout: Layout, view: DataView, offset: number, count: number): void {
    if (layout.scopeCount > 0) return
    if (!this.#readers.has(layout)) this.#readers.set(layout, truthReader(layout))
    const read = this.#readers.get(layout)
    this.records += count
    if (read === undefined) return this.#wrong(`a record of ${JSON.stringify(layout.fields)}`, count)
    const nowMs = Date.now()
    for (let record = 0, at = offset; record < count; record++, at += layout.recordLength) {
      const wrong = read(view, at, this.#truth)
      if (wrong === undefined) this.#note(nowMs)
      else this.#wrong(wrong, 1)
    }
  }

  report(isNewPhase: boolean): FlowReport {
    const { records, wrong, firstWrong, malformed } = this
    const generators = new Map(
      [...this.generators].map(([id, { unique, duplicates, highest }]) => [id, { unique, duplicates, highest }])
    )
    const report = { records, wrong, firstWrong, malformed, generators, delay: delayOf(this.delays) }
    if (isNewPhase) this.delays = new Uint32Array(MAX_DELAY_MS + 1)
    return report
  }

  #note(nowMs: number): void {
    const { generator, serial, writtenMs } = this.#truth
    let serials = this.generators.get(generator)
    if (serials === undefined) this.generators.set(generator, (serials = new Serials()))
    if (!serials.add(serial)) this.#wrong(`serial number ${serial} of ${generator}`, 1)
    if (generator < DELAYED_FROM) this.delays[Math.min(Math.max(0, nowMs - writtenMs), MAX_DELAY_MS)]++
  }

  #wrong(what: string, count: number): void {
    this.wrong += count
    this.firstWrong ??= what
  }
}

function delayOf(delays: Uint32Array): FlowReport['delay'] {
  const records = delays.reduce((sum, count) => sum + count, 0)
  const at = (share: number): number => {
    let left = records * share
    return Math.max(
      0,
      delays.findIndex(count => (left -= count) <= 0)
    )
  }
  return {
    records,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    mostMs: Math.max(
      0,
      delays.findLastIndex(count => count > 0)
    )
  }
}

function receive(): void {
  const truth = new TruthCount()
  const registry = ElementRegistry.standard()
  const server = createServer(socket => {
    const framer = new MessageFramer()
    const decoder = new MessageDecoder({ layouts: truth.layouts, registry })
    const tables = new Map<number, TemplateTable>()
    const scope = {
      domain(odid: number): TemplateTable {
        let table = tables.get(odid)
        if (table === undefined) {
          tables.set(odid, (table = new TemplateTable({ odid, transport: 'tcp', layouts: truth.layouts })))
        }
        return table
      }
    }
    let view: DataView
    const visitor: MessageVisitor = {
      onMessage() {},
      onTemplate() {},
      onDataSet: ({ layout, offset, records }) => truth.add(layout, view, offset, records),
      onUnknownSet: () => void truth.malformed++,
      onFault: () => void truth.malformed++
    }
    socket.on('error', () => undefined)
    socket.on('data', (chunk: Buffer) => {
      const fault = framer.push(chunk, (octets, octetsView, offset, length) => {
        view = octetsView
        decoder.decode(octets, view, offset, length, 'tcp', scope, performance.now(), visitor)
      })
      if (fault !== undefined) truth.malformed++
    })
  })
  server.listen(0, '127.0.0.1', () => process.send!((server.address() as AddressInfo).port))
  process.on('message', ({ isNewPhase }: { isNewPhase: boolean }) => process.send!(truth.report(isNewPhase)))
  process.on('disconnect', () => process.exit())
}

if (process.argv[2] === RECEIVE) receive()
