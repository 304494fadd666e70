import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { CaptureDecoder, CaptureReader } from '@weir/ipfix'
import type { CapturedMessage, DecodeCounts } from '@weir/ipfix'

/** Folder of the captures: beside the repository, or where WEIR_CAPTURES says. */
export const capturesFolder = process.env.WEIR_CAPTURES ?? resolve(import.meta.dirname, '../../../shared/captures')

/** Why the tests on captures cannot run, or false: for the `skip` option, so that the report names the folder. */
export const capturesAreAbsent: string | false = existsSync(join(capturesFolder, 'manifest.json'))
  ? false
  : `NO CAPTURES: ${capturesFolder} has no manifest.json; set WEIR_CAPTURES to the folder that has`

/** One case of the manifest, as far as it is used here. */
export interface CaptureCase {
  readonly name: string
  readonly format: 'pcap' | 'raw-udp' | 'ipfix-file'
  readonly protocol: string
  readonly files: readonly { readonly path: string }[]
  readonly ports: readonly string[]
  readonly expected: Partial<DecodeCounts> & { readonly basis: string; readonly walk?: Partial<DecodeCounts> }
  readonly golden: readonly string[]
}

if (capturesAreAbsent !== false) process.stderr.write(`${capturesAreAbsent}\n`)

/** All cases; none if the captures are absent. */
export const captureCases: readonly CaptureCase[] =
  capturesAreAbsent === false ? (JSON.parse(textOf('manifest.json')) as CaptureCase[]) : []

/** Octets of a file of the captures. */
export function octetsOf(path: string): Uint8Array {
  return readFileSync(join(capturesFolder, path))
}

/** Text of a file of the captures. */
export function textOf(path: string): string {
  return readFileSync(join(capturesFolder, path), 'utf8')
}

/** Every payload of a case in order; aliases as a {@link CaptureReader} says. */
export function* messagesOf({ files, format, ports }: CaptureCase): Generator<CapturedMessage> {
  const reader = new CaptureReader({ ports: ports.map(Number) })
  for (const { path } of files) {
    reader.begin(format === 'raw-udp' ? 'auto-datagram' : 'auto')
    yield* reader.push(octetsOf(path))
    yield* reader.end()
  }
  yield* reader.finish()
}

/** A case decoded to its end. */
export function decodeCase(case_: CaptureCase): CaptureDecoder {
  const decoder = new CaptureDecoder()
  for (const message of messagesOf(case_)) decoder.decode(message)
  return decoder
}
