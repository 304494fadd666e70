/**
 * Floods a UDP port, and says what it has sent: a process of its own, so that its memory is not that of a test.
 *
 * Usage: node test/support/flood-sender.ts templates|sources COUNT PORT
 *   templates  COUNT definitions of templates from one exporter: all ids again and again, each time another definition,
 *              in 250 Observation Domains
 *   sources    COUNT sources, addresses of 127.64.0.0/10, each with a template and a record of its own
 */
import { createSocket } from 'node:dgram'
import { setTimeout as pause } from 'node:timers/promises'
import { buildMessage } from '@weir/ipfix/testing'

/** In bursts, so that the receive buffer of a listener holds what comes while it does something else. */
const BURST = 20
const BURST_MS = 10
const TEMPLATES = 100
const IDS = 65_280
const DOMAINS = 250
const FLOODER = '127.0.0.99'

const [kind, countText, portText] = process.argv.slice(2)
const count = Number(countText)
const port = Number(portText)

async function floodTemplates(): Promise<void> {
  const octets = new Uint8Array(20 + TEMPLATES * 8)
  const view = new DataView(octets.buffer)
  view.setUint16(0, 10)
  view.setUint16(2, octets.length)
  view.setUint16(16, 2)
  view.setUint16(18, octets.length - 16)
  const socket = createSocket('udp4')
  await new Promise<void>(resolve => socket.bind(0, FLOODER, resolve))
  for (let serial = 0, datagrams = 0; serial < count; datagrams++) {
    view.setUint32(4, Math.floor(Date.now() / 1000))
    view.setUint32(12, datagrams % DOMAINS)
    for (let index = 0; index < TEMPLATES; index++, serial++) {
      view.setUint16(20 + index * 8, 256 + (serial % IDS))
      view.setUint16(22 + index * 8, 1)
      // octetDeltaCount, packetDeltaCount and so on, of any length: hundreds of Layouts.
      view.setUint16(24 + index * 8, 1 + (serial % 400))
      view.setUint16(26 + index * 8, 1 + (Math.trunc(serial / IDS) % 250))
    }
    await new Promise<void>(resolve => socket.send(octets, port, '127.0.0.1', () => resolve()))
    if (datagrams % BURST === 0) await pause(BURST_MS)
  }
  socket.close()
}

async function floodSources(): Promise<void> {
  const exportTimeSec = Math.floor(Date.now() / 1000)
  const octets = buildMessage({ exportTimeSec }).template(256, '8:4 2:4').data(256, '7f40000100000001').octets()
  for (let source = 0; source < count; source += BURST * 5) {
    await Promise.all(Array.from({ length: BURST * 5 }, (_, index) => sendFrom(source + index, octets)))
    await pause(BURST_MS)
  }
}

async function sendFrom(source: number, octets: Uint8Array): Promise<void> {
  const address = `127.${64 + (source >> 16)}.${(source >> 8) & 255}.${source & 255}`
  const socket = createSocket('udp4')
  await new Promise<void>(resolve => socket.bind(0, address, resolve))
  await new Promise<void>(resolve => socket.send(octets, port, '127.0.0.1', () => resolve()))
  socket.close()
}

await (kind === 'templates' ? floodTemplates() : floodSources())
process.stdout.write(`sent ${count}\n`)
