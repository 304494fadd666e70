import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildMessage } from '@weir/ipfix/testing'
import type { TaskInput } from '../../src/index.ts'

/** Twenty fields of a router's IPv4 flow; 72 octets. */
export const fields = '8:4 12:4 15:4 10:4 14:4 2:8 1:8 152:8 153:8 7:2 11:2 4:1 5:1 6:1 9:1 13:1 16:4 17:4 58:2 61:1'
export const RECORD_OCTETS = 72
const RECORDS_PER_MESSAGE = 18

/** An IPFIX File of so many records, all different; it goes when the process ends. */
export function makeCorpus(records: number): TaskInput & { readonly records: number } {
  const folder = mkdtempSync(join(tmpdir(), 'weir-bench-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'corpus.ipfix')
  const messages = Math.ceil(records / RECORDS_PER_MESSAGE)
  const first = Buffer.from(buildMessage({ odid: 1 }).template(256, fields).octets())
  const message = Buffer.from(
    buildMessage({ odid: 1 })
      .data(256, new Uint8Array(RECORD_OCTETS * RECORDS_PER_MESSAGE))
      .octets()
  )
  const octets = Buffer.alloc(first.length + messages * message.length)
  first.copy(octets)
  let random = 1
  for (let n = 0, at = first.length; n < messages; n++, at += message.length) {
    message.copy(octets, at)
    octets.writeUInt32BE(n * RECORDS_PER_MESSAGE, at + 8)
    for (let r = 0, p = at + 20; r < RECORDS_PER_MESSAGE; r++, p += RECORD_OCTETS) {
      random = (Math.imul(random, 1_103_515_245) + 12_345) >>> 0
      octets.writeUInt32BE(0x0a000000 + (random & 0xffff), p)
      octets.writeUInt32BE(0xc0000200 + ((random >>> 8) & 0xff), p + 4)
      octets.writeUInt32BE(random & 15, p + 12)
      octets.writeUInt32BE((random >>> 4) & 15, p + 16)
      octets.writeUInt32BE((random >>> 3) & 0xff, p + 24)
      octets.writeUInt32BE(random & 0xffff, p + 32)
      octets.writeBigUInt64BE(BigInt(1_700_000_000_000 + n), p + 36)
      octets.writeBigUInt64BE(BigInt(1_700_000_000_500 + n), p + 44)
      octets.writeUInt16BE(random & 0xffff, p + 52)
      octets.writeUInt16BE(random & 1 ? 443 : 53, p + 54)
      octets[p + 56] = random & 2 ? 6 : 17
    }
  }
  writeFileSync(path, octets)
  return { name: 'corpus.ipfix', path, octets: statSync(path).size, records: messages * RECORDS_PER_MESSAGE }
}
