import { CodedError, exitCodes } from '@weir/runtime'
import { FlowExporter } from './flow-exporter.ts'
import { openTrafficSocket, Pacer, type TrafficSocket, type TrafficTarget } from '@weir/analysis/replay'

export interface GenerateRequest {
  readonly to: TrafficTarget
  /** Records a second of all exporters together; 0 = as fast as the target takes them. */
  readonly rate: number
  readonly exporters: number
  readonly templates: number
  /** Records of all exporters together; 0 = without end. */
  readonly records: number
  /** 0 = without end. */
  readonly durationMs: number
  readonly seed: number
  readonly version: 5 | 9 | 10
  readonly recordsPerMessage: number
  readonly templateRefreshMs: number
  /** Send from 127.0.0.2, 127.0.0.3, … */
  readonly isManyAddresses: boolean
  /** Generator id of the first exporter. */
  readonly firstGeneratorId: number
}

export interface GenerateReport {
  readonly records: number
  readonly messages: number
  readonly octets: number
  readonly seconds: number
  readonly exporters: number
  /** TCP connections that were lost; what was on its way then may not have arrived. */
  readonly connectionLosses: number
  /** Records per generator: serials 0 to n - 1. */
  readonly generators: Readonly<Record<string, number>>
}

const UDP_MESSAGE_OCTETS = 1452
const TCP_MESSAGE_OCTETS = 16_384
/** Octets of one burst of an exporter: a TCP write, or as many datagrams as a receive buffer bears at once. */
const BURST_OCTETS = { udp: 24_576, tcp: 131_072 } as const

interface Line {
  readonly exporter: FlowExporter
  readonly socket: TrafficSocket
  announcedMs: number
  /** Records that it sends in all. */
  readonly quota: number
}

/**
 * Send made-up flows until the records, the duration or the signal end it.
 *
 * @param onProgress - called now and then with the records sent so far.
 * @returns exactly what was handed to the kernel.
 * @throws UnavailableError TARGET_UNAVAILABLE if a TCP target does not take the first connections.
 */
export async function generateTraffic(
  request: GenerateRequest,
  signal: AbortSignal,
  onProgress: (records: number) => void = () => {}
): Promise<GenerateReport> {
  const generation = new Generation(request)
  try {
    await generation.open()
    await generation.run(signal, onProgress)
  } finally {
    await generation.close()
  }
  return generation.report()
}

class Generation {
  readonly #request: GenerateRequest
  readonly #lines: Line[] = []
  readonly #startMs = performance.now()
  #records = 0
  #octets = 0
  #connectionLosses = 0
  #endMs = 0

  constructor(request: GenerateRequest) {
    this.#request = request
  }

  async open(): Promise<void> {
    const { to, exporters, version, templates, records, recordsPerMessage, seed, firstGeneratorId } = this.#request
    if (to.transport === 'tcp' && version !== 10) {
      throw new CodedError('USAGE', `NetFlow v${version} has no form over TCP; use --to udp://…`, exitCodes.usage)
    }
    const maxMessageOctets = to.transport === 'udp' ? UDP_MESSAGE_OCTETS : TCP_MESSAGE_OCTETS
    for (let index = 0; index < exporters; index++) {
      const generatorId = firstGeneratorId + index
      const options = { version, generatorId, templates, recordsPerMessage, maxMessageOctets, seed }
      const address = this.#request.isManyAddresses ? `127.0.${(index + 2) >> 8}.${(index + 2) & 255}` : undefined
      const socket = await openTrafficSocket(to, { sourceAddress: address })
      const quota = records === 0 ? Number.POSITIVE_INFINITY : Math.floor((records + exporters - 1 - index) / exporters)
      const exporter = new FlowExporter(options, Date.now())
      this.#lines.push({ exporter, socket, announcedMs: Number.NEGATIVE_INFINITY, quota })
    }
  }

  async run(signal: AbortSignal, onProgress: (records: number) => void): Promise<void> {
    const { rate, records, durationMs, recordsPerMessage } = this.#request
    const pacer = new Pacer(rate, performance.now())
    const endMs = durationMs === 0 ? Number.POSITIVE_INFINITY : performance.now() + durationMs
    let line = 0
    while (!signal.aborted && performance.now() < endMs) {
      const left = records === 0 ? Number.POSITIVE_INFINITY : records - this.#records
      if (left <= 0) break
      const due = pacer.due(performance.now())
      // Whole Messages: what is sent then depends on the seed alone, not on when.
      if (due < Math.min(recordsPerMessage, left)) {
        await new Promise(resolve => setTimeout(resolve, 1))
        continue
      }
      const messages = Math.max(1, Math.floor(due / recordsPerMessage / this.#lines.length))
      pacer.take(await this.#burst(this.#lines[line], messages * recordsPerMessage))
      line = (line + 1) % this.#lines.length
      if (line === 0) {
        onProgress(this.#records)
        await new Promise(resolve => setImmediate(resolve))
      }
    }
    this.#endMs = performance.now()
  }

  /** @param wanted - records; less is sent if the exporter's share is used up. @returns records sent. */
  async #burst(line: Line, wanted: number): Promise<number> {
    const { to, templateRefreshMs } = this.#request
    const { exporter, socket } = line
    const most = Math.min(wanted, line.quota - exporter.serial)
    if (most <= 0) return 0
    const limit = BURST_OCTETS[to.transport]
    // The kernel may still read an earlier burst: each has octets of its own.
    const octets = new Uint8Array(limit + exporter.maxMessageOctets)
    const view = new DataView(octets.buffer)
    const nowMs = Date.now()
    if (socket.takeLoss()) {
      this.#connectionLosses++
      exporter.restartSession()
      line.announcedMs = Number.NEGATIVE_INFINITY
    }
    const isFirst = line.announcedMs === Number.NEGATIVE_INFINITY
    if (isFirst || (to.transport === 'udp' && nowMs - line.announcedMs >= templateRefreshMs)) {
      await this.#announce(line, nowMs)
    }
    const before = exporter.serial
    const ends: number[] = []
    let at = 0
    while (at < limit && exporter.serial - before < most) {
      at = exporter.writeMessage(view, at, nowMs, most - (exporter.serial - before))
      ends.push(at)
    }
    await socket.send(octets.subarray(0, at), ends)
    this.#octets += at
    this.#records += exporter.serial - before
    return exporter.serial - before
  }

  async #announce(line: Line, nowMs: number): Promise<void> {
    const octets = new Uint8Array(this.#request.templates * 256 + 65_536)
    const ends = line.exporter.writeTemplates(new DataView(octets.buffer), 0, nowMs)
    line.announcedMs = nowMs
    const end = ends.at(-1) ?? 0
    if (end > 0) await line.socket.send(octets.subarray(0, end), ends)
    this.#octets += end
  }

  async close(): Promise<void> {
    await Promise.all(this.#lines.map(({ socket }) => socket.close()))
  }

  report(): GenerateReport {
    const exporters = this.#lines.map(({ exporter }) => exporter)
    return {
      records: this.#records,
      messages: exporters.reduce((sum, { messages }) => sum + messages, 0),
      octets: this.#octets,
      seconds: Math.round(this.#endMs - this.#startMs) / 1000,
      exporters: exporters.length,
      connectionLosses: this.#connectionLosses,
      generators: Object.fromEntries(exporters.map(({ generatorId, serial }) => [generatorId, serial]))
    }
  }
}
