import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { Child } from './child.ts'
import { toolPath } from './debian-tools.ts'
import { freePort } from './free-port.ts'
import { udpSocketsOn } from './socket-table.ts'
import { atRest, until } from './until.ts'

/** What nfcapd says at its end: of all flows, whatever exporter they came from. */
export interface NfcapdSums {
  readonly flows: number
  readonly packets: number
  readonly octets: number
  readonly badPackets: number
}

/** A running nfcapd of Debian's nfdump: an independent collector for NetFlow and IPFIX over UDP. */
export interface Nfcapd {
  readonly port: number
  /** Ends it once its socket is empty. */
  stop(): Promise<NfcapdSums>
}

/** @param folder - an existing folder; files go below it. */
export async function startNfcapd(folder: string, name: string): Promise<Nfcapd> {
  const port = await freePort()
  const files = join(folder, `nfcapd-${name}`)
  mkdirSync(files)
  const options = ['-p', String(port), '-b', '127.0.0.1', '-w', files, '-t', '3600', '-B', '8388608']
  const child = new Child(`nfcapd ${name}`, toolPath('nfcapd'), options)
  await until(`nfcapd listens on ${port}`, () => udpSocketsOn(port).length > 0)
  const stop = async (): Promise<NfcapdSums> => {
    await atRest('the socket of nfcapd', () => udpSocketsOn(port)[0]?.queuedOctets ?? 0, 300)
    if (udpSocketsOn(port)[0]!.drops > 0)
      throw new Error('the kernel dropped datagrams of nfcapd: the machine is too busy')
    child.kill()
    await child.waitForEnd()
    return sumsOf(child.stdout + child.stderr)
  }
  return { port, stop }
}

/** Lines like `Ident: 'none' Flows: 27, Packets: 364, Bytes: 123, Sequence Errors: 0, Bad Packets: 0`. */
function sumsOf(text: string): NfcapdSums {
  const lines = [
    ...text.matchAll(/Flows: (\d+), Packets: (\d+), Bytes: (\d+), Sequence Errors: \d+, Bad Packets: (\d+)/g)
  ]
  const [flows, packets, octets, badPackets] = lines.reduce<[number, number, number, number]>(
    (sum, line) => [
      sum[0] + Number(line[1]),
      sum[1] + Number(line[2]),
      sum[2] + Number(line[3]),
      sum[3] + Number(line[4])
    ],
    [0, 0, 0, 0]
  )
  return { flows, packets, octets, badPackets }
}
