/**
 * Counts the Data Records of IPFIX Messages that arrive. A process of its own: node test/bench/sink.ts tcp|udp PORT
 * Prints a JSON line with the port at start, and answers each line on standard input with a JSON line: records, unknown, malformed.
 */
import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import { ElementRegistry, LayoutTable, MessageDecoder, MessageFramer, TemplateTable } from '@weir/ipfix'
import type { MessageVisitor } from '@weir/ipfix'

const [transport, portText = '0'] = process.argv.slice(2)
const counts = { records: 0, options: 0, unknown: 0, malformed: 0 }
const visitor: MessageVisitor = {
  onMessage() {},
  onTemplate() {},
  onDataSet({ layout, records }) {
    if (layout.scopeCount === 0) counts.records += records
    else counts.options += records
  },
  onUnknownSet() {
    counts.unknown++
  },
  onFault() {}
}

function reader(kind: 'tcp' | 'udp'): (octets: Uint8Array, view: DataView, offset: number, length: number) => void {
  const layouts = new LayoutTable()
  const decoder = new MessageDecoder({ layouts, registry: ElementRegistry.standard() })
  const tables = new Map<number, TemplateTable>()
  const scope = {
    domain(odid: number): TemplateTable {
      let table = tables.get(odid)
      if (table === undefined) tables.set(odid, (table = new TemplateTable({ odid, transport: kind, layouts })))
      return table
    }
  }
  return (octets, view, offset, length) => {
    if (decoder.decode(octets, view, offset, length, kind, scope, Date.now(), visitor) !== undefined) counts.malformed++
  }
}

if (transport === 'tcp') {
  const server = createServer(socket => {
    const read = reader('tcp')
    const framer = new MessageFramer()
    socket.on('data', (chunk: Buffer) => void framer.push(chunk, read))
    socket.on('error', () => {})
  }).listen(Number(portText), '127.0.0.1', () =>
    console.log(JSON.stringify({ port: (server.address() as AddressInfo).port }))
  )
} else {
  const socket = createSocket('udp4')
  const read = reader('udp')
  socket.on('message', octets =>
    read(octets, new DataView(octets.buffer, octets.byteOffset, octets.length), 0, octets.length)
  )
  socket.bind(Number(portText), '127.0.0.1', () => {
    socket.setRecvBufferSize(8 << 20)
    console.log(JSON.stringify({ port: socket.address().port }))
  })
}
createInterface({ input: process.stdin }).on('line', () => console.log(JSON.stringify(counts)))
