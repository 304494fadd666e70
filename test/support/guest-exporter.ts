import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { buildMessage } from '@weir/ipfix/testing'

const PERIOD_MS = 5
const RECORDS = 5
/** Messages that were on their way when it learnt that nothing more is wanted. */
const LAST_MESSAGES = 10
const TEMPLATE_ID = 256

/** Exports over one TCP connection until it is asked to end (RFC 7011 §10.4.4), and knows how much it has written. */
export class GuestExporter {
  /** Records handed to the kernel. */
  written = 0
  /** Resolves when both sides have closed; rejects if the connection was reset: then what was written may be lost. */
  readonly ended: Promise<void>
  readonly #socket: Socket
  readonly #odid: number
  #isOver = false

  private constructor(socket: Socket, odid: number) {
    this.#socket = socket
    this.#odid = odid
    socket.on('end', () => (this.#isOver = true))
    socket.resume()
    this.ended = this.#run()
    // Whoever awaits it is told; until then it is nobody's fault.
    this.ended.catch(() => undefined)
  }

  /** @param odid - Observation Domain of its records. */
  static async connect(port: number, odid: number): Promise<GuestExporter> {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
    await once(socket, 'connect')
    socket.unref()
    return new GuestExporter(socket, odid)
  }

  /** End by itself. */
  stop(): void {
    this.#isOver = true
  }

  async #run(): Promise<void> {
    const closed = once(this.#socket, 'close')
    const failed = new Promise<never>((_resolve, reject) => this.#socket.once('error', reject))
    const exported = this.#export()
    await Promise.race([Promise.all([exported, closed]), failed])
  }

  async #export(): Promise<void> {
    this.#socket.write(buildMessage({ odid: this.#odid }).template(TEMPLATE_ID, '8:4 2:4').octets())
    while (!this.#isOver) {
      this.#send()
      await pause(PERIOD_MS, undefined, { ref: false })
    }
    for (let more = 0; more < LAST_MESSAGES; more++) this.#send()
    this.#socket.end()
  }

  #send(): void {
    const records = Array.from({ length: RECORDS }, (_, index) => (this.written + index).toString(16).padStart(16, '0'))
    const { written: sequence } = this
    this.#socket.write(
      buildMessage({ odid: this.#odid, sequence })
        .data(TEMPLATE_ID, ...records)
        .octets()
    )
    this.written += RECORDS
  }
}
