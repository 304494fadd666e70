import { endianness } from 'node:os'
import type { DatagramSink } from './udp-intake.ts'

/** The part of node:ffi (Node 26.1 and later, experimental) that is used here. */
interface Ffi {
  dlopen(
    path: string,
    symbols: Record<string, { return: string; arguments: readonly string[] }>
  ): {
    readonly functions: Record<string, (...values: (number | bigint)[]) => number>
  }
  getRawPointer(buffer: ArrayBufferView): bigint
}

/** Calls recvmmsg on a socket. */
export type Recvmmsg = (fd: number, headers: bigint, count: number, flags: number, timeout: bigint) => number

export interface RecvmmsgLibrary {
  readonly recvmmsg: Recvmmsg
  readonly pointerOf: (buffer: ArrayBufferView) => bigint
}

/**
 * Find recvmmsg(2) through node:ffi.
 *
 * @returns the library, or why it is not to be had; then dgram serves.
 */
async function loadRecvmmsg(): Promise<RecvmmsgLibrary | string> {
  if (process.platform !== 'linux') return `platform ${process.platform}`
  // The structures below are those of 64-bit Linux, little-endian.
  if ((process.arch !== 'x64' && process.arch !== 'arm64') || endianness() !== 'LE')
    return `architecture ${process.arch}`
  const name = 'node:ffi'
  try {
    const ffi = (await import(name)) as Ffi
    const signature = { return: 'int32', arguments: ['int32', 'pointer', 'uint32', 'int32', 'pointer'] }
    const { recvmmsg } = ffi.dlopen('libc.so.6', { recvmmsg: signature }).functions
    return { recvmmsg: recvmmsg as Recvmmsg, pointerOf: buffer => ffi.getRawPointer(buffer) }
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** As {@link loadRecvmmsg}, without the warning that FFI is experimental: it is optional here, and dgram always serves. */
export async function loadQuietly(): Promise<RecvmmsgLibrary | string> {
  const emitWarning = process.emitWarning
  process.emitWarning = () => {}
  try {
    return await loadRecvmmsg()
  } finally {
    process.emitWarning = emitWarning
  }
}

const MSG_DONTWAIT = 0x40
const AF_INET = 2
const AF_INET6 = 10
const SLOTS = 64
/** The longest datagram, and some lines more, so that the slots do not fall on the same lines of the cache. */
const SLOT_OCTETS = 65_536 + 320
const NAME_OCTETS = 32
/** struct mmsghdr: msghdr of 56 octets, msg_len, padding. */
const HEADER_OCTETS = 64
const IOVEC_OCTETS = 16
/** Calls in a row before the event loop gets its turn. */
const ROUNDS = 16

/**
 * Reads many datagrams with one system call. The socket stays dgram's: it binds it, and its first `message` of a turn says
 * that there are more. One reader serves all sockets of the process: its 4 MiB of slots are filled and emptied in one go.
 *
 * ```
 * struct mmsghdr { struct msghdr { void *name; socklen_t namelen; struct iovec *iov; size_t iovlen;
 *                                  void *control; size_t controllen; int flags; }; unsigned int len; }
 * ```
 */
export class RecvmmsgReader {
  /** System calls, and datagrams they brought. */
  calls = 0
  datagrams = 0
  readonly #recvmmsg: Recvmmsg
  readonly #octets = new Uint8Array(SLOTS * SLOT_OCTETS)
  readonly #view = new DataView(this.#octets.buffer)
  readonly #names = new Uint8Array(SLOTS * NAME_OCTETS)
  readonly #namesView = new DataView(this.#names.buffer)
  readonly #headers = new DataView(new ArrayBuffer(SLOTS * HEADER_OCTETS))
  readonly #vectors = new DataView(new ArrayBuffer(SLOTS * IOVEC_OCTETS))
  readonly #headersPointer: bigint

  constructor({ recvmmsg, pointerOf }: RecvmmsgLibrary) {
    this.#recvmmsg = recvmmsg
    const octetsPointer = pointerOf(this.#octets)
    const namesPointer = pointerOf(this.#names)
    const vectorsPointer = pointerOf(this.#vectors)
    this.#headersPointer = pointerOf(this.#headers)
    for (let slot = 0; slot < SLOTS; slot++) {
      const vector = slot * IOVEC_OCTETS
      this.#vectors.setBigUint64(vector, octetsPointer + BigInt(slot * SLOT_OCTETS), true)
      this.#vectors.setBigUint64(vector + 8, 65_536n, true)
      const header = slot * HEADER_OCTETS
      this.#headers.setBigUint64(header, namesPointer + BigInt(slot * NAME_OCTETS), true)
      this.#headers.setBigUint64(header + 16, vectorsPointer + BigInt(vector), true)
      this.#headers.setBigUint64(header + 24, 1n, true)
    }
  }

  /**
   * Hand all datagrams that wait in the socket to `sink`, or so many that the event loop has to go on.
   *
   * @returns how many.
   */
  drain(fd: number, sink: DatagramSink): number {
    let fetched = 0
    for (let round = 0; round < ROUNDS; round++) {
      const headers = this.#headers
      for (let slot = 0; slot < SLOTS; slot++) headers.setUint32(slot * HEADER_OCTETS + 8, NAME_OCTETS, true)
      const count = this.#recvmmsg(fd, this.#headersPointer, SLOTS, MSG_DONTWAIT, 0n)
      this.calls++
      if (count <= 0) break
      fetched += count
      this.datagrams += count
      sink.begin()
      for (let slot = 0; slot < count; slot++) this.#give(slot, sink)
      if (count < SLOTS) break
    }
    return fetched
  }

  #give(slot: number, sink: DatagramSink): void {
    const length = this.#headers.getUint32(slot * HEADER_OCTETS + 56, true)
    const name = slot * NAME_OCTETS
    const names = this.#namesView
    const family = names.getUint16(name, true)
    const port = names.getUint16(name + 2)
    const offset = slot * SLOT_OCTETS
    if (family === AF_INET) {
      sink.fromIPv4(names.getUint32(name + 4), port, this.#octets, this.#view, offset, length)
    } else if (family === AF_INET6) {
      if (isMapped(names, name + 8)) {
        sink.fromIPv4(names.getUint32(name + 20), port, this.#octets, this.#view, offset, length)
      } else {
        sink.fromIPv6(this.#names, name + 8, port, this.#octets, this.#view, offset, length)
      }
    }
  }
}

/** ::ffff:0:0/96 (RFC 4291 §2.5.5.2). */
const isMapped = (view: DataView, offset: number): boolean =>
  view.getUint32(offset) === 0 && view.getUint32(offset + 4) === 0 && view.getUint32(offset + 8) === 0xffff
