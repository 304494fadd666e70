import { createReadStream } from 'node:fs'
import { createGunzip } from 'node:zlib'
import { CodedError, errorCode, exitCodes } from '@weir/runtime'
import type { Readable } from 'node:stream'
import type { CaptureOptions } from '@weir/ipfix'

/** Name that stands for standard input. */
export const STANDARD_INPUT = '-'

const CHUNK_OCTETS = 1024 * 1024
/** Names of files that hold one payload: what `nc -u`, test suites and dissectors write. */
const DATAGRAM_NAME = /\.(?:bin|dat|dump|raw|payload|udp)(?:\.gz)?$/i
const MAGIC_GZIP = [0x1f, 0x8b]
const MAGIC_BZIP2 = [0x42, 0x5a, 0x68]

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist; check the name',
  EACCES: 'may not be read by this user; change its permissions',
  EISDIR: 'is a directory; name the files in it'
}

type OnRead = (octets: number) => void

/**
 * The format that a file's name says: a name such as `x.bin` holds one datagram unless its content is pcap or pcapng.
 */
export function formatByName(path: string): NonNullable<CaptureOptions['format']> {
  return DATAGRAM_NAME.test(path) ? 'auto-datagram' : 'auto'
}

/**
 * What a compressed input may become.
 *
 * @param readOctets - of the file itself, so far.
 * @param octets - that they became.
 * @returns the error to end with if that is a bomb.
 */
export type ExpansionBound = (readOctets: number, octets: number) => CodedError | undefined

/** A small file may become this much whatever it was. */
const LEAST_EXPANDED_OCTETS = 4 * 1024 * 1024

/**
 * TH-36: what a compressed input becomes is bounded by what was read of it; TASK_LIMIT.
 *
 * @param expansion - octets that one octet may become.
 */
export const expansionBound =
  (name: string, expansion: number): ExpansionBound =>
  (readOctets, octets) => {
    if (octets <= Math.max(LEAST_EXPANDED_OCTETS, readOctets * expansion)) return undefined
    const message = `${name} becomes more than ${expansion} times its size when it is decompressed; decompress it first if it is to be trusted`
    return new CodedError('TASK_LIMIT', message, exitCodes.badInput, { limit: 'expansion', expansion })
  }

/** A file, or standard input, and what may be read of it. */
export interface ChunkSource {
  readonly path: string
  /** What sentences call it. */
  readonly name: string
  readonly bound: ExpansionBound
}

/**
 * Read a file or standard input in chunks, decompressed if it is gzip (RFC 5655 §10.1).
 *
 * @param onRead - told of octets of the file itself, before decompression.
 * @throws CodedError INPUT_UNREADABLE (exit 66), INPUT_COMPRESSED (exit 65), or what the bound says.
 */
export async function* chunksOf({ path, name, bound }: ChunkSource, onRead: OnRead): AsyncGenerator<Uint8Array> {
  const source: Readable =
    path === STANDARD_INPUT ? process.stdin : createReadStream(path, { highWaterMark: CHUNK_OCTETS })
  let readOctets = 0
  const count = (octets: number): void => {
    readOctets += octets
    onRead(octets)
  }
  try {
    let chunks: AsyncIterable<Uint8Array> = counted(source, count)
    const [head, rest] = await headOf(chunks)
    chunks = rest
    if (startsWith(head, MAGIC_BZIP2)) {
      const message = `${name} is compressed by bzip2, which is not read; decompress it first: bunzip2 FILE`
      throw new CodedError('INPUT_COMPRESSED', message, exitCodes.badInput, { path })
    }
    if (!startsWith(head, MAGIC_GZIP)) yield* chunks
    else yield* decompressed(chunks, octets => bound(readOctets, octets))
  } catch (error) {
    throw error instanceof CodedError ? error : unreadable(error, name)
  } finally {
    if (source !== process.stdin) source.destroy()
  }
}

async function* counted(source: Readable, onRead: OnRead): AsyncGenerator<Uint8Array> {
  for await (const chunk of source as AsyncIterable<Uint8Array>) {
    onRead(chunk.length)
    yield chunk
  }
}

/** The first octets, and the chunks with these still in front. */
async function headOf(chunks: AsyncIterable<Uint8Array>): Promise<[Uint8Array, AsyncIterable<Uint8Array>]> {
  const iterator = chunks[Symbol.asyncIterator]()
  let head: Uint8Array = new Uint8Array(0)
  let isDone = false
  while (head.length < MAGIC_BZIP2.length && !isDone) {
    const next = await iterator.next()
    isDone = next.done === true
    if (!isDone) head = head.length === 0 ? next.value : Buffer.concat([head, next.value])
  }
  return [head, again(head, iterator)]
}

async function* again(head: Uint8Array, iterator: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (head.length > 0) yield head
  for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value
}

async function* decompressed(
  chunks: AsyncIterable<Uint8Array>,
  bound: (octets: number) => CodedError | undefined
): AsyncGenerator<Uint8Array> {
  const gunzip = createGunzip({ chunkSize: CHUNK_OCTETS })
  const feeding = feed(chunks, gunzip)
  let octets = 0
  for await (const chunk of gunzip as AsyncIterable<Uint8Array>) {
    octets += chunk.length
    const error = bound(octets)
    if (error !== undefined) throw error
    yield chunk
  }
  await feeding
}

async function feed(chunks: AsyncIterable<Uint8Array>, gunzip: ReturnType<typeof createGunzip>): Promise<void> {
  try {
    for await (const chunk of chunks) {
      if (gunzip.destroyed) return
      if (!gunzip.write(chunk))
        await new Promise<void>(resolve => void gunzip.once('drain', resolve).once('close', resolve))
    }
    gunzip.end()
  } catch (error) {
    gunzip.destroy(error as Error)
  }
}

const startsWith = (octets: Uint8Array, magic: readonly number[]): boolean =>
  magic.every((octet, index) => octets[index] === octet)

function unreadable(error: unknown, name: string): CodedError {
  const code = errorCode(error) ?? 'UNKNOWN'
  if (code.startsWith('Z_')) {
    const message = `${name} is damaged gzip; get it again, or keep what is left of it: gzip -dcq FILE > OTHER`
    return new CodedError('INPUT_COMPRESSED', message, exitCodes.badInput, { code }, error)
  }
  const reason = reasons[code] ?? `cannot be read (${code})`
  return new CodedError('INPUT_UNREADABLE', `${name} ${reason}`, exitCodes.noInput, { code }, error)
}
