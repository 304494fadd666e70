/**
 * Sends the corpus, as fast as it is taken (TCP) or at a rate (UDP). A process of its own, told by its arguments:
 *   node test/bench/load.ts tcp|udp PORT RECORDS EXPORTERS TEMPLATES RECORDS_PER_SECOND
 * Prints one JSON line at the end: records sent, seconds.
 */
import { createSocket } from 'node:dgram'
import type { Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { MESSAGE_OCTETS, RECORDS_PER_MESSAGE, makeCorpus } from './corpus.ts'

const [transport, portText, recordsText, exportersText, templatesText, rateText] = process.argv.slice(2)
const port = Number(portText)
const wanted = Math.ceil(Number(recordsText) / RECORDS_PER_MESSAGE)
const exporters = Number(exportersText)
const perSecond = Number(rateText) / RECORDS_PER_MESSAGE
const corpus = makeCorpus(Number(templatesText))

/** One exporter: its own copy of a slice of the corpus, so that sequence numbers can be written in place. */
interface Exporter {
  readonly octets: Uint8Array
  readonly view: DataView
  readonly messages: number
  sequence: number
}

function makeExporter(index: number): Exporter {
  const messages = exporters > 8 ? 128 : 1024
  const first = (index * 131) % (corpus.count - messages)
  const octets = corpus.messages.slice(first * MESSAGE_OCTETS, (first + messages) * MESSAGE_OCTETS)
  return { octets, view: new DataView(octets.buffer), messages, sequence: 0 }
}

/** Stamps Messages `from..to` with Export Time now and the running sequence number. */
function stamp(exporter: Exporter, from: number, to: number): void {
  const nowSec = Math.floor(Date.now() / 1000)
  for (let message = from; message < to; message++) {
    exporter.view.setUint32(message * MESSAGE_OCTETS + 4, nowSec)
    exporter.view.setUint32(message * MESSAGE_OCTETS + 8, exporter.sequence)
    exporter.sequence = (exporter.sequence + RECORDS_PER_MESSAGE) >>> 0
  }
}

function templates(): Uint8Array {
  const octets = corpus.templates.slice()
  new DataView(octets.buffer).setUint32(4, Math.floor(Date.now() / 1000))
  return octets
}

async function sendTcp(): Promise<number> {
  const share = Math.ceil(wanted / exporters)
  const block = 128
  const done = Array.from({ length: exporters }, async (_, index) => {
    const exporter = makeExporter(index)
    const socket: Socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    socket.write(templates())
    for (let sent = 0; sent < share;) {
      const from = sent % exporter.messages
      const to = Math.min(from + block, exporter.messages, from + share - sent)
      stamp(exporter, from, to)
      // The octets are stamped again only when this write has been taken: exporter.messages is many blocks.
      const isRoom = socket.write(exporter.octets.subarray(from * MESSAGE_OCTETS, to * MESSAGE_OCTETS))
      sent += to - from
      if (!isRoom) await once(socket, 'drain')
    }
    socket.end()
    await once(socket, 'close')
    return share
  })
  return (await Promise.all(done)).reduce((sum, count) => sum + count, 0)
}

async function sendUdp(): Promise<number> {
  const sources = await Promise.all(
    Array.from({ length: exporters }, async (_, index) => {
      const socket = createSocket('udp4')
      socket.connect(port, '127.0.0.1')
      await once(socket, 'connect')
      socket.setSendBufferSize(4 << 20)
      socket.send(templates())
      return { socket, exporter: makeExporter(index), next: 0 }
    })
  )
  await new Promise(resolve => setTimeout(resolve, 50))
  const startMs = performance.now()
  let sent = 0
  let inFlight = 0
  const onSent = (): void => void inFlight--
  const sendOne = (source: { socket: UdpSocket; exporter: Exporter; next: number }): void => {
    const { exporter, socket } = source
    stamp(exporter, source.next, source.next + 1)
    inFlight++
    socket.send(exporter.octets, source.next * MESSAGE_OCTETS, MESSAGE_OCTETS, onSent)
    source.next = (source.next + 1) % exporter.messages
  }
  while (sent < wanted) {
    const due = Math.min(wanted, Math.floor(((performance.now() - startMs) / 1000) * perSecond))
    for (let burst = 0; sent < due && burst < 64 && inFlight < 256; burst++) sendOne(sources[sent++ % exporters]!)
    await new Promise(resolve => setImmediate(resolve))
  }
  while (inFlight > 0) await new Promise(resolve => setImmediate(resolve))
  for (const { socket } of sources) socket.close()
  return sent
}

const startMs = performance.now()
const messages = await (transport === 'tcp' ? sendTcp() : sendUdp())
console.log(JSON.stringify({ records: messages * RECORDS_PER_MESSAGE, seconds: (performance.now() - startMs) / 1000 }))
