import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { CaptureDecoder, CaptureReader } from '@weir/ipfix'
import type { DecodeSummary } from '@weir/ipfix'
import { projectFolder } from './weir-command.ts'

const folder = join(projectFolder, 'test/fixtures/captures')

/** A capture that the project has made itself (test/fixtures/make-captures.sh), and what is in it. */
export interface FixtureCapture {
  readonly name: string
  readonly path: string
  readonly summary: DecodeSummary
  /** Data and options records together. */
  readonly records: number
  readonly isIpfix: boolean
}

/** All fixture captures, decoded. */
export function fixtureCaptures(): FixtureCapture[] {
  return readdirSync(folder)
    .filter(file => file.endsWith('.pcap'))
    .toSorted()
    .map(file => fixtureCapture(file.slice(0, -'.pcap'.length)))
}

/** @param name - file name without `.pcap`. */
export function fixtureCapture(name: string): FixtureCapture {
  const path = join(folder, `${name}.pcap`)
  const { summary } = decodeFile(path)
  const isIpfix = Object.keys(summary.byVersion).every(version => version === '10')
  return { name, path, summary, records: summary.dataRecords + summary.optionsRecords, isIpfix }
}

/** Decode a capture or an IPFIX file to its end. */
export function decodeFile(path: string): CaptureDecoder {
  const reader = new CaptureReader()
  const decoder = new CaptureDecoder()
  reader.begin('auto')
  for (const message of reader.push(readFileSync(path))) decoder.decode(message)
  for (const message of reader.end()) decoder.decode(message)
  for (const message of reader.finish()) decoder.decode(message)
  return decoder
}
