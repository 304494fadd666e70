import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import {
  ElementRegistry,
  JsonReader,
  LayoutTable,
  MessageDecoder,
  MessageFramer,
  RecordReader,
  SequenceTracker,
  TemplateTable,
  type DataSetView,
  type FaultCode,
  type Layout,
  type MessageHeader,
  type MessageVisitor,
  type TemplateScope
} from '@weir/ipfix'
import { listenError } from '@weir/runtime'
import { SerialBitmap, groundTruthOffsets, isGroundTruth } from './ground-truth.ts'
import type { TrafficTarget } from '@weir/analysis/replay'

export interface ReceiveOptions {
  readonly listen: TrafficTarget
  readonly isVerifying: boolean
  /** Called with one line of JSON (with its line end) per record. */
  readonly onJson?: (line: string) => void
  /** Called when records came. */
  readonly onRecords?: () => void
}

export interface ReceiveReport {
  readonly messages: number
  readonly octets: number
  /** Data Records, options records among them. */
  readonly records: number
  readonly optionsRecords: number
  readonly sessions: number
  readonly templates: number
  /** Data Sets whose template was not known. */
  readonly unknownTemplateSets: number
  readonly malformedMessages: number
  readonly faults: Readonly<Record<string, number>>
  readonly sequence: { lost: number; duplicated: number; reordered: number; restarts: number; suspect: number }
  /** With `--verify`. */
  readonly truth?: {
    readonly unique: number
    readonly duplicates: number
    /** Serials below the highest seen of each generator that did not come. */
    readonly missing: number
    /** Data Records without ground truth. */
    readonly without: number
    readonly generators: Readonly<Record<string, { unique: number; duplicates: number; missing: number }>>
  }
}

/** Where the ground truth stands in records of a Layout: by offset, by search (variable length), or not at all. */
type TruthPlace = { generator: number; serial: number } | 'search' | undefined

/** A Transport Session: a TCP connection, or the datagrams of one address and port. */
class Session implements TemplateScope {
  readonly transport: 'udp' | 'tcp'
  readonly #layouts: LayoutTable
  readonly tables = new Map<number, TemplateTable>()
  readonly sequences = new Map<number, SequenceTracker>()

  constructor(transport: 'udp' | 'tcp', layouts: LayoutTable) {
    this.transport = transport
    this.#layouts = layouts
  }

  domain(odid: number): TemplateTable {
    let table = this.tables.get(odid)
    if (table === undefined) {
      table = new TemplateTable({ odid, transport: this.transport, layouts: this.#layouts })
      this.tables.set(odid, table)
    }
    return table
  }

  sequence(odid: number): SequenceTracker {
    let tracker = this.sequences.get(odid)
    if (tracker === undefined) {
      tracker = new SequenceTracker()
      this.sequences.set(odid, tracker)
    }
    return tracker
  }
}

/** A downstream collector: decodes, counts what is wrong, and verifies the ground truth of `weir generate`. */
export class TrafficReceiver implements MessageVisitor {
  readonly #options: ReceiveOptions
  readonly #layouts = new LayoutTable()
  readonly #registry = ElementRegistry.standard()
  readonly #decoder: MessageDecoder
  readonly #reader: RecordReader
  readonly #json: JsonReader
  readonly #tcpSessions = new Set<Session>()
  readonly #udpSessions = new Map<string, Session>()
  readonly #sockets = new Set<Socket>()
  readonly #bitmaps = new Map<number, SerialBitmap>()
  readonly #places = new Map<Layout, TruthPlace>()
  readonly #faults: Record<string, number> = {}
  readonly #sequence = { lost: 0, duplicated: 0, reordered: 0, restarts: 0, suspect: 0 }
  #server: Server | undefined
  #udp: UdpSocket | undefined
  #session: Session | undefined
  #octets: Uint8Array = new Uint8Array(0)
  #view: DataView = new DataView(new ArrayBuffer(0))
  #header: MessageHeader | undefined
  #messageRecords = 0
  #isMessageComplete = true
  #sessions = 0
  #templates = 0
  #messages = 0
  #receivedOctets = 0
  #records = 0
  #optionsRecords = 0
  #unknownTemplateSets = 0
  #malformedMessages = 0
  #without = 0

  constructor(options: ReceiveOptions) {
    this.#options = options
    this.#decoder = new MessageDecoder({ layouts: this.#layouts, registry: this.#registry })
    this.#reader = new RecordReader(this.#registry)
    this.#json = new JsonReader(this.#registry, { numbers64: 'string', nowMs: Date.now() })
  }

  get records(): number {
    return this.#records
  }

  /** Distinct records of known generators seen so far. */
  get unique(): number {
    let sum = 0
    for (const { unique } of this.#bitmaps.values()) sum += unique
    return sum
  }

  /** Listen. @returns the port. @throws UnavailableError in words if the port cannot be had. */
  async start(): Promise<number> {
    const { transport, host, port } = this.#options.listen
    try {
      return transport === 'udp' ? await this.#listenUdp(host, port) : await this.#listenTcp(host, port)
    } catch (error) {
      this.#udp?.close()
      this.#server?.close()
      throw listenError(error, 'weir receive', `${host.includes(':') ? `[${host}]` : host}:${port}`)
    }
  }

  async #listenUdp(host: string, port: number): Promise<number> {
    const socket = createSocket({ type: host.includes(':') ? 'udp6' : 'udp4', recvBufferSize: 8_388_608 })
    this.#udp = socket
    socket.on('message', (octets, { address, port: from }) => {
      const key = `${address} ${from}`
      let session = this.#udpSessions.get(key)
      if (session === undefined) {
        session = this.#newSession('udp')
        this.#udpSessions.set(key, session)
      }
      const view = new DataView(octets.buffer, octets.byteOffset, octets.length)
      this.#receive(session, octets, view, 0, octets.length)
    })
    socket.bind(port, host)
    await once(socket, 'listening')
    return socket.address().port
  }

  async #listenTcp(host: string, port: number): Promise<number> {
    const server = createServer(socket => {
      const session = this.#newSession('tcp')
      const framer = new MessageFramer()
      this.#sockets.add(socket)
      socket.on('data', (chunk: Buffer) => {
        const fault = framer.push(chunk, (octets, view, offset, length) =>
          this.#receive(session, octets, view, offset, length)
        )
        if (fault === undefined) return
        this.#countFault(fault)
        this.#malformedMessages++
        socket.destroy()
      })
      socket.on('error', () => {})
      socket.on('close', () => {
        this.#sockets.delete(socket)
        this.#endSession(session)
      })
    })
    this.#server = server
    server.listen(port, host)
    await once(server, 'listening')
    const address = server.address()
    return typeof address === 'object' && address !== null ? address.port : port
  }

  /** Listen no more; what was received is kept for the report. */
  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#udp?.close()
    const server = this.#server
    if (server !== undefined) await new Promise(resolve => server.close(resolve))
  }

  report(): ReceiveReport {
    const sequence = { ...this.#sequence }
    for (const session of [...this.#udpSessions.values(), ...this.#tcpSessions]) addSequences(sequence, session)
    return {
      messages: this.#messages,
      octets: this.#receivedOctets,
      records: this.#records,
      optionsRecords: this.#optionsRecords,
      sessions: this.#sessions,
      templates: this.#templates,
      unknownTemplateSets: this.#unknownTemplateSets,
      malformedMessages: this.#malformedMessages,
      faults: { ...this.#faults },
      sequence,
      ...(this.#options.isVerifying ? { truth: this.#truth() } : {})
    }
  }

  #newSession(transport: 'udp' | 'tcp'): Session {
    this.#sessions++
    const session = new Session(transport, this.#layouts)
    if (transport === 'tcp') this.#tcpSessions.add(session)
    return session
  }

  #endSession(session: Session): void {
    if (this.#tcpSessions.delete(session)) addSequences(this.#sequence, session)
  }

  #truth(): NonNullable<ReceiveReport['truth']> {
    const generators: Record<string, { unique: number; duplicates: number; missing: number }> = {}
    const sum = { unique: 0, duplicates: 0, missing: 0 }
    for (const [generator, { unique, duplicates, missing }] of this.#bitmaps) {
      generators[generator] = { unique, duplicates, missing }
      sum.unique += unique
      sum.duplicates += duplicates
      sum.missing += missing
    }
    return { ...sum, without: this.#without, generators }
  }

  #receive(session: Session, octets: Uint8Array, view: DataView, offset: number, length: number): void {
    this.#messages++
    this.#receivedOctets += length
    this.#session = session
    this.#octets = octets
    this.#view = view
    this.#messageRecords = 0
    this.#isMessageComplete = true
    this.#header = undefined
    const nowMs = performance.now()
    const fault = this.#decoder.decode(octets, view, offset, length, session.transport, session, nowMs, this)
    if (fault !== undefined) {
      this.#malformedMessages++
      return
    }
    const header = this.#header as MessageHeader | undefined
    if (header === undefined) return
    session.sequence(header.odid).update(header, this.#messageRecords, this.#isMessageComplete)
    if (this.#messageRecords > 0) this.#options.onRecords?.()
  }

  onMessage(header: MessageHeader): void {
    this.#header = header
  }

  onTemplate({ change }: { change: string }): void {
    if (change === 'learned' || change === 'redefined') this.#templates++
  }

  onUnknownSet(): void {
    this.#unknownTemplateSets++
    this.#isMessageComplete = false
  }

  onFault(code: FaultCode): void {
    this.#countFault(code)
  }

  onDataSet(set: DataSetView): void {
    this.#messageRecords += set.records
    this.#records += set.records
    if (set.layout.scopeCount > 0) this.#optionsRecords += set.records
    if (this.#options.onJson !== undefined) this.#printJson(set)
    if (this.#options.isVerifying) this.#verify(set)
  }

  #countFault(code: FaultCode): void {
    this.#faults[code] = (this.#faults[code] ?? 0) + 1
  }

  #printJson({ layout, offset, lengthOctets }: DataSetView): void {
    const { version, odid } = this.#header as MessageHeader
    this.#reader.open(layout, this.#view, offset, lengthOctets, version)
    const templates = this.#session?.domain(odid) ?? { get: () => undefined }
    while (this.#reader.nextRecord()) {
      const record = this.#json.record(this.#reader, this.#octets, this.#view, templates)
      this.#options.onJson?.(`${JSON.stringify(record)}\n`)
    }
  }

  #verify(set: DataSetView): void {
    const { layout, offset, records } = set
    if (layout.scopeCount > 0) return
    const place = this.#placeOf(layout)
    if (place === undefined) this.#without += records
    else if (place === 'search') this.#searchTruth(set)
    else {
      const view = this.#view
      for (let record = 0, at = offset; record < records; record++, at += layout.recordLength) {
        this.#mark(view.getUint32(at + place.generator), view, at + place.serial)
      }
    }
  }

  #placeOf(layout: Layout): TruthPlace {
    if (this.#places.has(layout)) return this.#places.get(layout)
    const isThere = layout.fields.some(field => isGroundTruth(field, 1) && field.length === 4)
    const isSerialThere = layout.fields.some(field => isGroundTruth(field, 2) && field.length === 8)
    const place = groundTruthOffsets(layout) ?? (isThere && isSerialThere ? 'search' : undefined)
    this.#places.set(layout, place)
    return place
  }

  #searchTruth({ layout, offset, lengthOctets }: DataSetView): void {
    const reader = this.#reader
    reader.open(layout, this.#view, offset, lengthOctets)
    while (reader.nextRecord()) {
      let generator = 0
      let serialAt = -1
      while (reader.nextField()) {
        if (isGroundTruth(reader, 1)) generator = this.#view.getUint32(reader.offset)
        else if (isGroundTruth(reader, 2)) serialAt = reader.offset
      }
      if (serialAt >= 0) this.#mark(generator, this.#view, serialAt)
    }
  }

  #mark(generator: number, view: DataView, serialAt: number): void {
    let bitmap = this.#bitmaps.get(generator)
    if (bitmap === undefined) {
      bitmap = new SerialBitmap()
      this.#bitmaps.set(generator, bitmap)
    }
    bitmap.add(view.getUint32(serialAt) * 2 ** 32 + view.getUint32(serialAt + 4))
  }
}

function addSequences(sum: ReceiveReport['sequence'], session: Session): void {
  for (const tracker of session.sequences.values()) {
    sum.lost += tracker.lost
    sum.duplicated += tracker.duplicated
    sum.reordered += tracker.reordered
    sum.restarts += tracker.restarts
    sum.suspect += tracker.suspect
  }
}
