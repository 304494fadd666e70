import { readFileSync, readlinkSync } from 'node:fs'

/** How a socket is found among all of the machine: by inode where it is known, else by its port. */
export interface SocketIdentity {
  readonly inode: number | undefined
  readonly port: number
}

/**
 * Inode of one of our sockets.
 *
 * @param fd - -1 if it is not known.
 * @returns undefined where /proc does not tell.
 */
export function socketInode(fd: number): number | undefined {
  if (fd < 0) return undefined
  try {
    const match = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`))
    return match === null ? undefined : Number(match[1])
  } catch {
    return undefined
  }
}

/**
 * Datagrams that the kernel dropped because a socket's receive buffer was full, from the text of /proc/net/udp or udp6.
 *
 * ```
 *   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
 *  532: 00000000:1283 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 7219 2 0000000000000000 0
 * ```
 * @returns the count since the socket was made, or undefined if the socket is not there.
 */
export function dropsOf(table: string, socket: SocketIdentity): number | undefined {
  let drops: number | undefined
  for (const line of table.split('\n')) {
    const columns = line.trim().split(/\s+/)
    if (columns.length < 13 || columns[0] === 'sl') continue
    const port = Number.parseInt(columns[1].slice(columns[1].indexOf(':') + 1), 16)
    if (socket.inode === undefined ? port !== socket.port : Number(columns[9]) !== socket.inode) continue
    drops = (drops ?? 0) + Number(columns[12])
  }
  return drops
}

/** Reads /proc/net/udp and udp6; empty texts where there is none. One read serves all sockets. */
export function readUdpTables(): string {
  return ['/proc/net/udp', '/proc/net/udp6'].map(readText).join('\n')
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}
