import type { StoredEntry } from '../../src/index.ts'
import { storedOptions, storedTemplate } from './entries.ts'

/** Scope key of both entries. */
export const scopeOfVersion1 = 'udp/10/ipfix-udp/192.0.2.1/49152'

const ofHex = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'))

/** What the encoder of version 1 wrote, its key in the file of schema version 1, and the entry read from it. */
export const entriesOfVersion1: readonly { key: string; octets: Uint8Array; entry: StoredEntry }[] = [
  {
    key: `t|${scopeOfVersion1}|1|256`,
    octets: ofHex(
      '010100207564702f31302f69706669782d7564702f3139322e302e322e312f3439313532000000010000000200000000' +
        '0008000400007ed9000fffff01004278bcfe568000004278bcfe6526000000000002'
    ),
    entry: storedTemplate({ session: scopeOfVersion1 })
  },
  {
    key: `o|${scopeOfVersion1}|1|1|141:4,41:2,|00000001`,
    octets: ofHex(
      '010200207564702f31302f69706669782d7564702f3139322e302e322e312f3439313532000000010001000200000000' +
        '008d000400000000002900026553f1004278bcfe569f40007ff800000000000000040006000000011345'
    ),
    entry: storedOptions()
  }
]
