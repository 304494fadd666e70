import { Socket } from 'node:net'

const READ_OCTETS = 262_144
/** All connections read into this one place: what was read is worked off before the next read. */
let sharedBuffer: Uint8Array | undefined

/**
 * Read a connection into one buffer that is used again and again, instead of a new one for each read. Accepted sockets
 * cannot be told so by a public way; where the way round fails, ordinary `data` events serve.
 *
 * @param onChunk - gets what was read, valid during the call; returns false to stop reading until `resume()`.
 * @returns the socket to use from now on, not reading yet.
 */
export function readInto(accepted: Socket, onChunk: (chunk: Uint8Array) => boolean): Socket {
  const holder = accepted as unknown as { _handle: object | null }
  const handle = holder._handle
  if (handle === null || typeof handle !== 'object') return readEvents(accepted, onChunk)
  sharedBuffer ??= new Uint8Array(READ_OCTETS)
  const buffer = sharedBuffer
  const onread = { buffer, callback: (count: number) => onChunk(buffer.subarray(0, count)) }
  const socket = new Socket({ handle, onread } as unknown as ConstructorParameters<typeof Socket>[0])
  holder._handle = null
  accepted.destroy()
  return socket
}

function readEvents(accepted: Socket, onChunk: (chunk: Uint8Array) => boolean): Socket {
  accepted.on('data', (chunk: Buffer) => {
    // Not a Buffer, whose slice would alias.
    if (!onChunk(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length))) accepted.pause()
  })
  return accepted
}
