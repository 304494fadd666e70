import { spawnSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Child } from './child.ts'
import { absent, toolPath } from './debian-tools.ts'
import { freePort } from './free-port.ts'
import { until } from './until.ts'

/** For the `skip` option: false if the loopback interface can be captured here, else a sentence, said on standard error too. */
export function captureRefused(): string | false {
  const isAbsent = absent('tshark', 'dumpcap')
  if (isAbsent !== false) return isAbsent
  if (spawnSync(toolPath('dumpcap'), ['-i', 'lo', '-L']).status === 0) return false
  const sentence = 'NOT TESTED: dumpcap may not capture here (be root, or dpkg-reconfigure wireshark-common)'
  process.stderr.write(`${sentence}\n`)
  return sentence
}

/** A capture of the loopback interface by dumpcap (tshark's own capturer). */
export interface WireCapture {
  readonly path: string
  /** Ends it when all that was sent before is in the file. */
  stop(): Promise<void>
}

/**
 * Capture what goes to or comes from some ports of the loopback interface.
 *
 * dumpcap says neither when it begins nor how far it has read; so a datagram with a word in it is sent until the file has it.
 */
export async function captureWire(folder: string, name: string, ports: readonly number[]): Promise<WireCapture> {
  const path = join(folder, `${name}.pcap`)
  const markPort = await freePort()
  const filter = [...ports.map(port => `port ${port}`), `udp port ${markPort}`].join(' or ')
  const child = new Child(`dumpcap ${name}`, toolPath('dumpcap'), [
    '-q',
    '-P',
    '-i',
    'lo',
    '-B',
    '64',
    '-f',
    filter,
    '-w',
    path
  ])
  const mark = async (word: string): Promise<void> => {
    const socket = createSocket('udp4')
    try {
      await until(`the capture has ${word}`, () => {
        if (child.hasEnded) throw new Error(`dumpcap has ended\n${child.said}`)
        socket.send(word, markPort, '127.0.0.1')
        return existsSync(path) && readFileSync(path).includes(word)
      })
    } finally {
      socket.close()
    }
  }
  await mark(`weir-${name}-begins`)
  const stop = async (): Promise<void> => {
    await mark(`weir-${name}-ends`)
    child.kill('SIGINT')
    await child.waitForEnd()
    const dropped = /dropped on interface 'lo': \d+\/(\d+)/.exec(child.stderr)?.[1]
    if (dropped !== undefined && dropped !== '0') throw new Error(`dumpcap has dropped ${dropped} packets`)
  }
  return { path, stop }
}
