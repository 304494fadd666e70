import { CaptureReader } from '../../src/capture/capture-reader.ts'
import type { CapturedMessage } from '../../src/capture/captured-message.ts'
import type { CaptureOptions } from '../../src/capture/capture-reader.ts'

export interface ReadAll {
  readonly reader: CaptureReader
  /** Copies, so that they outlive the reader's buffers. */
  readonly messages: CapturedMessage[]
}

/** Read files to their ends, each in chunks of `chunkOctets`. */
export function readAll(files: readonly Uint8Array[], options: CaptureOptions = {}, chunkOctets = 65536): ReadAll {
  const reader = new CaptureReader(options)
  const messages: CapturedMessage[] = []
  const keep = (items: Iterable<CapturedMessage>): void => {
    for (const item of items) messages.push({ ...item, octets: item.octets.slice() })
  }
  for (const file of files) {
    reader.begin()
    for (let at = 0; at < file.length; at += chunkOctets) keep(reader.push(file.subarray(at, at + chunkOctets)))
    keep(reader.end())
  }
  keep(reader.finish())
  return { reader, messages }
}
