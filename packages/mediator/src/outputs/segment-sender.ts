import { endianness } from 'node:os'
import type { Socket } from 'node:dgram'
import type { Log } from '@weir/runtime'
import type { Chunk } from '../destinations/chunk.ts'
import type { MakeSegmentSender } from './udp-output.ts'

/** Gives the kernel many equal Messages of a chunk in one call. */
export interface SegmentSender {
  /**
   * Send the Messages of a chunk from `message` on, until all are sent or the kernel's buffer is full.
   *
   * @returns the first Message that is not sent.
   */
  send(chunk: Chunk, message: number): number
  /** Failed calls since the last time this was asked. */
  takeErrors(): number
  /** Records of Messages that the network refused since the last time this was asked. */
  takeRefusedRecords(): number
}

type SendMsg = (fd: number, header: bigint, flags: number) => number
type SetSockOpt = (fd: number, level: number, option: number, value: bigint, length: number) => number

interface Native {
  readonly sendmsg: SendMsg
  readonly setsockopt: SetSockOpt
  readonly errno: () => number
  readonly pointerOf: (octets: Uint8Array) => bigint
}

// Linux on 64-bit machines; the loader refuses everything else.
const MSG_DONTWAIT = 0x40
const MSG_NOSIGNAL = 0x4000
const SOL_UDP = 17
const UDP_SEGMENT = 103
const EINTR = 4
const EAGAIN = 11
const EINVAL = 22
const EIO = 5
const EMSGSIZE = 90
const ENOBUFS = 105

/** Bounds of the kernel for one call (UDP_MAX_SEGMENTS, the length of an IPv4 datagram). */
const MAX_SEGMENTS = 64
const MAX_GROUP_OCTETS = 65_507

/** struct msghdr, struct iovec and one control message behind each other. */
const MSGHDR_OCTETS = 56
const IOV_AT = 56
const CONTROL_AT = 72
const CONTROL_OCTETS = 24
const CMSG_LEN = 18

/**
 * Load what the segment path needs: libc's sendmsg through node:ffi, which Node has from 26.1 on.
 *
 * @returns a maker of senders, or the reason why there is none.
 */
export async function loadSegmentSender(log: Log): Promise<MakeSegmentSender | string> {
  if (process.platform !== 'linux' || endianness() !== 'LE' || !['x64', 'arm64'].includes(process.arch)) {
    return `not made for ${process.platform} on ${process.arch}`
  }
  let native: Native
  try {
    native = await loadNative()
  } catch (error) {
    return `node:ffi cannot be used (${error instanceof Error ? error.message : String(error)})`
  }
  return socket => {
    const fd = descriptorOf(socket)
    if (fd < 0 || !isSegmentingPossible(native, fd)) {
      log.info('udp_segment_refused', 'this socket takes no UDP_SEGMENT: datagrams go out one by one')
      return undefined
    }
    return new NativeSegmentSender(native, fd)
  }
}

async function loadNative(): Promise<Native> {
  const ffi = await import('node:ffi')
  const { functions } = ffi.dlopen('libc.so.6', {
    sendmsg: { return: 'int32', arguments: ['int32', 'pointer', 'int32'] },
    setsockopt: { return: 'int32', arguments: ['int32', 'int32', 'int32', 'pointer', 'uint32'] },
    __errno_location: { return: 'pointer', arguments: [] }
  })
  const location = functions.__errno_location as () => bigint
  return {
    sendmsg: functions.sendmsg as SendMsg,
    setsockopt: functions.setsockopt as SetSockOpt,
    errno: () => ffi.getInt32(location()),
    pointerOf: octets => ffi.getRawPointer(octets) as bigint
  }
}

/** dgram keeps its handle private; without a descriptor the plain path is taken. */
function descriptorOf(socket: Socket): number {
  const key = Object.getOwnPropertySymbols(socket).find(symbol => symbol.description === 'state symbol')
  if (key === undefined) return -1
  const state = Reflect.get(socket, key) as { handle?: { fd?: number } } | undefined
  const fd = state?.handle?.fd
  return typeof fd === 'number' ? fd : -1
}

/** Setting "no segments" changes nothing and fails where the kernel does not know the option. */
function isSegmentingPossible(native: Native, fd: number): boolean {
  const none = new Uint8Array(4)
  return native.setsockopt(fd, SOL_UDP, UDP_SEGMENT, native.pointerOf(none), none.length) === 0
}

class NativeSegmentSender implements SegmentSender {
  readonly #native: Native
  readonly #fd: number
  readonly #header = new DataView(new ArrayBuffer(MSGHDR_OCTETS + 16 + CONTROL_OCTETS))
  readonly #headerAt: bigint
  readonly #pointers = new WeakMap<Chunk, bigint>()
  #isSegmenting = true
  #errors = 0
  #refusedRecords = 0

  constructor(native: Native, fd: number) {
    this.#native = native
    this.#fd = fd
    const header = this.#header
    this.#headerAt = native.pointerOf(new Uint8Array(header.buffer))
    header.setBigUint64(16, this.#headerAt + BigInt(IOV_AT), true)
    header.setBigUint64(24, 1n, true)
    header.setBigUint64(32, this.#headerAt + BigInt(CONTROL_AT), true)
    header.setBigUint64(CONTROL_AT, BigInt(CMSG_LEN), true)
    header.setInt32(CONTROL_AT + 8, SOL_UDP, true)
    header.setInt32(CONTROL_AT + 12, UDP_SEGMENT, true)
  }

  takeErrors(): number {
    const errors = this.#errors
    this.#errors = 0
    return errors
  }

  takeRefusedRecords(): number {
    const records = this.#refusedRecords
    this.#refusedRecords = 0
    return records
  }

  send(chunk: Chunk, message: number): number {
    let next = message
    while (next < chunk.messages) {
      const group = this.#isSegmenting ? groupEnd(chunk, next) : next + 1
      const failed = this.#sendGroup(chunk, next, group)
      if (failed === 0) {
        next = group
        continue
      }
      if (failed === EAGAIN || failed === ENOBUFS) return next
      next = this.#onRefused(chunk, next, group, failed)
    }
    return next
  }

  /** What was refused as a group is tried one by one, and then no more. */
  #onRefused(chunk: Chunk, start: number, end: number, failed: number): number {
    this.#errors++
    if (end - start > 1) {
      // Segments longer than the path's MTU, or a device that cannot: no groups on this socket any more.
      if (failed === EINVAL || failed === EIO || failed === EMSGSIZE) this.#isSegmenting = false
      else if (this.#sendGroup(chunk, start, end) === 0) return end
    }
    for (let message = start; message < end; message++) {
      const error = this.#sendGroup(chunk, message, message + 1)
      if (error === 0) continue
      if (error === EAGAIN || error === ENOBUFS) return message
      this.#errors++
      // The last datagram's error is told to the next call, which sends nothing: once more.
      const again = this.#sendGroup(chunk, message, message + 1)
      if (again === EAGAIN || again === ENOBUFS) return message
      if (again !== 0) this.#refusedRecords += chunk.messageRecords[message]!
    }
    return end
  }

  /** @returns 0, or the errno. */
  #sendGroup(chunk: Chunk, start: number, end: number): number {
    const offset = start === 0 ? 0 : chunk.messageEnds[start - 1]!
    const header = this.#header
    header.setBigUint64(IOV_AT, this.#pointerOf(chunk) + BigInt(offset), true)
    header.setBigUint64(IOV_AT + 8, BigInt(chunk.messageEnds[end - 1]! - offset), true)
    if (end - start > 1) {
      header.setBigUint64(40, BigInt(CONTROL_OCTETS), true)
      header.setUint16(CONTROL_AT + 16, chunk.messageEnds[start]! - offset, true)
    } else header.setBigUint64(40, 0n, true)
    for (;;) {
      if (this.#native.sendmsg(this.#fd, this.#headerAt, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return 0
      const errno = this.#native.errno()
      if (errno !== EINTR) return errno
    }
  }

  #pointerOf(chunk: Chunk): bigint {
    let pointer = this.#pointers.get(chunk)
    if (pointer === undefined) {
      pointer = this.#native.pointerOf(chunk.octets)
      this.#pointers.set(chunk, pointer)
    }
    return pointer
  }
}

/**
 * How many Messages go together: equal in length, the last may be shorter (Linux, udp(7) UDP_SEGMENT).
 *
 * @returns the first Message behind the group.
 */
export function groupEnd(chunk: Chunk, start: number): number {
  const ends = chunk.messageEnds
  const offset = start === 0 ? 0 : ends[start - 1]!
  const segment = ends[start]! - offset
  let next = start + 1
  while (next < chunk.messages && next - start < MAX_SEGMENTS) {
    const length = ends[next]! - ends[next - 1]!
    if (length > segment || ends[next]! - offset > MAX_GROUP_OCTETS) break
    next++
    if (length < segment) break
  }
  return next
}
