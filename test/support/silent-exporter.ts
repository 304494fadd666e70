import { createSocket } from 'node:dgram'
import type { Socket } from 'node:dgram'
import { once } from 'node:events'
import { TRUTH_OCTETS, truthFields, writeTruth } from './flow-truth.ts'

const PERIOD_MS = 20
const RECORDS = 6
const FIRST_TEMPLATE_ID = 256
const FIELD_OCTETS = truthFields(0).reduce((sum, { pen }) => sum + (pen === 0 ? 4 : 8), 0)

export interface SilentExporterOptions {
  /** Id of the first Observation Domain, and of what is in its records as the generator. */
  readonly generatorId: number
  readonly domains: number
  /** Of each domain; they take turns. */
  readonly templates: number
  /** Where the orders of the fields begin. */
  readonly turn: number
}

interface DomainState {
  readonly id: number
  serial: number
}

/** Exports IPFIX over UDP without end and, unless it is told to, without a template: they are to be known from elsewhere. */
export class SilentExporter {
  readonly options: SilentExporterOptions
  readonly #domains: DomainState[]
  readonly #socket: Socket
  #target = 0
  #random = 0x2545f491
  #timer: NodeJS.Timeout | undefined
  #turn = 0

  private constructor(options: SilentExporterOptions, socket: Socket) {
    this.options = options
    this.#socket = socket
    this.#domains = Array.from({ length: options.domains }, (_, index) => ({
      id: options.generatorId + index,
      serial: 0
    }))
  }

  /** Its socket is open, so that its source port is known. */
  static async open(options: SilentExporterOptions): Promise<SilentExporter> {
    const socket = createSocket('udp4')
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')
    socket.unref()
    return new SilentExporter(options, socket)
  }

  /** Its source port. */
  get port(): number {
    return this.#socket.address().port
  }

  /** Records sent, by generator. */
  get sent(): ReadonlyMap<number, number> {
    return new Map(this.#domains.map(({ id, serial }) => [id, serial]))
  }

  /** Its templates, in each domain. */
  get templates(): { id: number; fields: ReturnType<typeof truthFields> }[] {
    const { templates, turn } = this.options
    return Array.from({ length: templates }, (_, index) => ({
      id: FIRST_TEMPLATE_ID + index,
      fields: truthFields(turn + index)
    }))
  }

  /** Say what the templates are. @param port - where to. */
  announce(port: number): void {
    this.#target = port
    for (const { id, serial } of this.#domains) this.#sendTemplates(id, serial)
  }

  start(port: number): void {
    this.#target = port
    this.#timer = setInterval(() => {
      for (const domain of this.#domains) this.#sendData(domain)
      this.#turn++
    }, PERIOD_MS)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #sendTemplates(odid: number, sequence: number): void {
    const { templates } = this
    const octets = new Uint8Array(20 + templates.length * (4 + FIELD_OCTETS))
    const view = headed(octets, odid, sequence, 2)
    let at = 20
    for (const { id, fields } of templates) {
      view.setUint16(at, id)
      view.setUint16(at + 2, fields.length)
      at += 4
      for (const field of fields) {
        view.setUint16(at, field.pen === 0 ? field.id : field.id | 0x8000)
        view.setUint16(at + 2, field.length)
        at += 4
        if (field.pen === 0) continue
        view.setUint32(at, field.pen)
        at += 4
      }
    }
    this.#socket.send(octets, this.#target, '127.0.0.1')
  }

  #sendData(domain: DomainState): void {
    const { id, fields } = this.templates[this.#turn % this.options.templates]
    const octets = new Uint8Array(20 + RECORDS * TRUTH_OCTETS)
    const view = headed(octets, domain.id, domain.serial, id)
    const nowMs = Date.now()
    for (let record = 0; record < RECORDS; record++) {
      this.#random ^= this.#random << 13
      this.#random ^= this.#random >>> 17
      this.#random ^= this.#random << 5
      const values = { generator: domain.id, serial: domain.serial++, random: this.#random >>> 0, nowMs }
      writeTruth(view, 20 + record * TRUTH_OCTETS, fields, values)
    }
    this.#socket.send(octets, this.#target, '127.0.0.1')
  }
}

/** Message and Set header. */
function headed(octets: Uint8Array, odid: number, sequence: number, setId: number): DataView {
  const view = new DataView(octets.buffer)
  view.setUint16(0, 10)
  view.setUint16(2, octets.length)
  view.setUint32(4, Math.floor(Date.now() / 1000))
  view.setUint32(8, sequence)
  view.setUint32(12, odid)
  view.setUint16(16, setId)
  view.setUint16(18, octets.length - 16)
  return view
}
