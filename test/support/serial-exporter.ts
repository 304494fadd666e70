import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { buildMessage } from '@weir/ipfix/testing'

const PERIOD_MS = 10
const RECORDS = 5
const RECONNECT_MS = 20
/** A test that has failed leaves its exporters behind: they must not keep the test file from ending. */
const unheld = { ref: false }
const TEMPLATE_ID = 256
/** All of them, so that a record of one exporter has the length of those of any other. */
const fields = ['148:8', '8:4', '2:8', '1:8', '11:2'] as const

export interface SerialExporterOptions {
  /** Its own address, which is in each of its records: 127.x.y.z. */
  readonly address: string
  /** Turns the order of the fields under one template id, so that another exporter's template gives wrong values. */
  readonly layout: number
  readonly port: number
  /** Sends its templates once only, and not after it has connected again: against RFC 7011 §8. */
  readonly isForgetful?: boolean
}

/** What a record of a {@link SerialExporter} decodes to. */
export interface SerialRecord {
  readonly flowId: number
  readonly sourceIPv4Address: string
  readonly packetDeltaCount: number
  readonly octetDeltaCount: number
  readonly destinationTransportPort: number
}

/** Whether a record says what its exporter wrote. */
export const isTrue = (record: SerialRecord, address: string): boolean =>
  record.sourceIPv4Address === address &&
  record.packetDeltaCount === packetsOf(record.flowId, address) &&
  record.octetDeltaCount === record.packetDeltaCount * 64 &&
  record.destinationTransportPort === portOf(record.flowId)

const octetsOf = (address: string): number[] => address.split('.').map(Number)
const packetsOf = (serial: number, address: string): number => serial * 256 + octetsOf(address)[3]
const portOf = (serial: number): number => 1024 + (serial % 50_000)

/**
 * Exports records with serial numbers over TCP, without end: connects again whenever the connection is lost, sends its
 * template first and goes on.
 */
export class SerialExporter {
  readonly address: string
  /** Serial of the next record. */
  serial = 0
  /** Serial of the first record of each connection. */
  readonly firstSerials: number[] = []
  /** Data Sets of the present connection. */
  dataSets = 0
  readonly #options: SerialExporterOptions
  readonly #fields: readonly string[]
  #isStopping = false
  #done: Promise<void> | undefined

  constructor(options: SerialExporterOptions) {
    this.#options = options
    this.address = options.address
    const turn = options.layout % fields.length
    this.#fields = [...fields.slice(turn), ...fields.slice(0, turn)]
  }

  start(): void {
    this.#done = this.#run()
  }

  /** Ends its connection in good order. */
  async stop(): Promise<void> {
    this.#isStopping = true
    await this.#done
  }

  async #run(): Promise<void> {
    while (!this.#isStopping) {
      await this.#export()
      if (!this.#isStopping) await pause(RECONNECT_MS, undefined, unheld)
    }
  }

  /** One connection, from its start to its end. */
  async #export(): Promise<void> {
    const socket = connect({ port: this.#options.port, host: '127.0.0.1', localAddress: this.address })
    const closed = new Promise<void>(resolve => socket.once('close', () => resolve()))
    socket.on('error', () => {})
    socket.unref()
    socket.resume()
    const isOpen = await Promise.race([
      new Promise<boolean>(resolve => socket.once('connect', () => resolve(true))),
      closed.then(() => false)
    ])
    if (!isOpen) return
    let sequence = 0
    this.dataSets = 0
    const isFirst = this.firstSerials.push(this.serial) === 1
    if (isFirst || this.#options.isForgetful !== true) socket.write(this.#template())
    while (!this.#isStopping && !socket.closed && !socket.destroyed) {
      socket.write(this.#data(sequence))
      sequence += RECORDS
      this.dataSets++
      await pause(PERIOD_MS, undefined, unheld)
    }
    socket.end()
    await closed
  }

  #template(): Uint8Array {
    return buildMessage({ exportTimeSec: nowSec() }).template(TEMPLATE_ID, this.#fields.join(' ')).octets()
  }

  #data(sequence: number): Uint8Array {
    const records = Array.from({ length: RECORDS }, () => this.#record(this.serial++))
    return buildMessage({ exportTimeSec: nowSec(), sequence })
      .data(TEMPLATE_ID, ...records)
      .octets()
  }

  #record(serial: number): Uint8Array {
    const packets = packetsOf(serial, this.address)
    const values: Record<string, Buffer> = {
      '148:8': number64(serial),
      '8:4': Buffer.from(octetsOf(this.address)),
      '2:8': number64(packets),
      '1:8': number64(packets * 64),
      '11:2': Buffer.from([portOf(serial) >> 8, portOf(serial) & 255])
    }
    return Buffer.concat(this.#fields.map(field => values[field]))
  }
}

const nowSec = (): number => Math.floor(Date.now() / 1000)

function number64(value: number): Buffer {
  const octets = Buffer.alloc(8)
  octets.writeBigUInt64BE(BigInt(value))
  return octets
}
