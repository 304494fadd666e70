import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'

/** Below the kernel's ephemeral ports, so that no outgoing connection takes one that was found free. */
const FIRST = 20_000
const COUNT = 12_000
/** Test files run at the same time: each process begins elsewhere. */
let next = (process.pid * 131) % COUNT

/** A port of 127.0.0.1 that is free for UDP and TCP now, and that this process has not given out before. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < COUNT; tries++) {
    const port = FIRST + (next++ % COUNT)
    if ((await isUdpFree(port)) && (await isTcpFree(port))) return port
  }
  throw new Error(`no port from ${FIRST} to ${FIRST + COUNT} is free`)
}

function isUdpFree(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = createSocket({ type: 'udp6', reuseAddr: false })
    socket.once('error', () => socket.close(() => resolve(false)))
    socket.bind(port, '::', () => socket.close(() => resolve(true)))
  })
}

function isTcpFree(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '::', () => server.close(() => resolve(true)))
  })
}
