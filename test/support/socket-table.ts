import { readFileSync } from 'node:fs'

/** One UDP socket as the kernel sees it. */
export interface UdpSocket {
  readonly port: number
  /** Octets that the kernel holds for its reader, overhead included. */
  readonly queuedOctets: number
  /** Datagrams that the kernel has dropped because its reader was too slow. */
  readonly drops: number
}

/** The UDP sockets of this network namespace that are bound to a port. */
export function udpSocketsOn(port: number): UdpSocket[] {
  return ['/proc/net/udp', '/proc/net/udp6'].flatMap(table =>
    readFileSync(table, 'utf8')
      .split('\n')
      .slice(1)
      .map(line => line.trim().split(/\s+/))
      .filter(columns => columns.length > 12 && Number.parseInt(columns[1]!.split(':')[1]!, 16) === port)
      .map(columns => ({
        port,
        queuedOctets: Number.parseInt(columns[4]!.split(':')[1]!, 16),
        drops: Number(columns.at(-1))
      }))
  )
}

const LISTEN = '0A'
const TIME_WAIT = '06'

/** Whether somebody listens for TCP on a port: asked of the kernel, because a connection to try it would be seen. */
export const isTcpListening = (port: number): boolean => tcpRowsOn(port).some(columns => columns[3] === LISTEN)

/** TCP connections that somebody who listens on a port has still open. */
export const tcpConnectionsOn = (port: number): number =>
  tcpRowsOn(port).filter(columns => columns[3] !== LISTEN && columns[3] !== TIME_WAIT).length

const tcpRowsOn = (port: number): string[][] =>
  ['/proc/net/tcp', '/proc/net/tcp6']
    .flatMap(table => readFileSync(table, 'utf8').split('\n').slice(1))
    .map(line => line.trim().split(/\s+/))
    .filter(columns => columns.length > 9 && Number.parseInt(columns[1]!.split(':')[1]!, 16) === port)
