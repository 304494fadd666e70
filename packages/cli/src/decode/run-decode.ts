import { readFileSync } from 'node:fs'
import {
  CaptureDecoder,
  CaptureReader,
  captureFaults,
  ElementRegistry,
  elementFileErrors,
  readElementFile
} from '@weir/ipfix'
import { CodedError, errorCode, exitCodes } from '@weir/runtime'
import { chunksOf, formatByName, STANDARD_INPUT } from '@weir/analysis/files'
import { inputName, octetsOfFiles, sizeBound } from './capture-input.ts'
import { createProgress } from './decode-progress.ts'
import { RecordMaker } from './decode-record.ts'
import { JsonLines } from './json-lines.ts'
import { RecordTable } from './record-table.ts'
import { SummaryJson, SummaryText } from './summary.ts'
import { TextOutput } from './text-output.ts'
import type { CapturedMessage, CaptureFormat, CaptureVisitor, MessageHeader } from '@weir/ipfix'
import type { ExpansionBound } from '@weir/analysis/files'
import type { Writable } from 'node:stream'
import type { DecodePrinter } from './decode-printer.ts'

/** What `weir decode` was asked for. */
export interface DecodeRequest {
  /** One case in order; `-` is standard input. */
  readonly files: readonly string[]
  readonly format: 'json' | 'table' | 'summary'
  /** Output for programs: JSON lines, or one object for `summary`. */
  readonly isJson: boolean
  /** Destination ports; empty for all. */
  readonly ports: readonly number[]
  readonly input: CaptureFormat | 'auto'
  readonly numbers64: 'string' | 'number'
  readonly isStrict: boolean
  /** Files of elements of the user's. */
  readonly elementFiles: readonly string[]
  readonly maxMebibytes: number
}

/** Where the text goes. */
export interface DecodeStreams {
  readonly stdout: TextStream
  readonly stderr: TextStream
}

/** A stream that may be a terminal. */
export type TextStream = Writable & { readonly isTTY?: boolean; readonly columns?: number }

/**
 * Decode files and print what is in them.
 *
 * @throws CodedError with exit 66 for a file that cannot be read, 65 if nothing could be decoded in all of them.
 */
export async function runDecode(request: DecodeRequest, { stdout, stderr }: DecodeStreams): Promise<void> {
  const decoder = new CaptureDecoder({ registry: registryOf(request.elementFiles), isStrict: request.isStrict })
  const reader = new CaptureReader({ ports: request.ports })
  const printer = printerOf(request, stdout)
  const output = new TextOutput(stdout)
  const decode = decodingInto(decoder, printer, output, request)
  const isQuiet = request.format !== 'summary' && stdout.isTTY === true
  const progress = createProgress(octetsOfFiles(request.files), stderr.isTTY === true && !isQuiet)
  try {
    for (const path of request.files) {
      reader.begin(request.input === 'auto' ? formatByName(path) : request.input)
      const source = { path, name: inputName(path), bound: boundOf(path, request) }
      for await (const chunk of chunksOf(source, octets => progress.add(octets))) {
        for (const message of reader.push(chunk)) decode(message)
        await output.settle()
        if (output.isClosed) return
      }
      for (const message of reader.end()) decode(message)
      // A file that is no capture at all is told by the error at the end, if nothing else was one.
      const isLone = reader.fault === 'CAPTURE_UNKNOWN' && request.files.length === 1
      if (reader.fault !== undefined && !isLone) stderr.write(`${nameOf(path)}: ${captureFaults[reader.fault]}\n`)
    }
    for (const message of reader.finish()) decode(message)
    progress.stop()
    output.add(printer.end(decoder.summary, reader.counters))
    await output.flush()
  } finally {
    progress.stop()
    output.close()
  }
  if (decoder.summary.messages === decoder.summary.malformedMessages) throw nothingDecoded(request, reader, decoder)
}

const boundOf = (path: string, { maxMebibytes }: DecodeRequest): ExpansionBound =>
  sizeBound(path, maxMebibytes, 'raise --max-mebibytes if it is to be trusted')

const nameOf = (path: string): string => (path === STANDARD_INPUT ? 'standard input' : path)

function decodingInto(
  decoder: CaptureDecoder,
  printer: DecodePrinter,
  output: TextOutput,
  { numbers64 }: DecodeRequest
): (message: CapturedMessage) => void {
  if (!printer.wantsRecords) return message => decoder.decode(message)
  const maker = new RecordMaker(decoder, { nowMs: Date.now(), numbers64 })
  let header: MessageHeader
  let current: CapturedMessage
  const visitor: CaptureVisitor = {
    onMessage: seen => {
      header = seen
    },
    onDataSet: set => {
      for (const record of maker.recordsOf(current, header, set)) output.add(printer.record(record))
    }
  }
  return message => {
    current = message
    decoder.decode(message, visitor)
  }
}

function printerOf({ format, isJson }: DecodeRequest, stdout: TextStream): DecodePrinter {
  if (format === 'summary') return isJson ? new SummaryJson() : new SummaryText()
  if (format === 'json' || isJson) return new JsonLines()
  return new RecordTable(stdout.isTTY === true ? (stdout.columns ?? 80) : Infinity)
}

function registryOf(paths: readonly string[]): ElementRegistry {
  const registry = ElementRegistry.standard()
  for (const path of paths) {
    const { elements, errors } = readElementFile(textOf(path))
    if (errors.length > 0) {
      const lines = errors.map(({ code, line, cell }) => `${path}:${line}: ${elementFileErrors[code]} (${cell})`)
      throw new CodedError('ELEMENT_FILE', lines.join('\n'), exitCodes.badInput, { errors })
    }
    registry.add(elements)
  }
  return registry
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const message = `${path} cannot be read (${errorCode(error)}); --elements wants a CSV or JSON file of elements`
    throw new CodedError('INPUT_UNREADABLE', message, exitCodes.noInput, {}, error)
  }
}

function nothingDecoded(request: DecodeRequest, reader: CaptureReader, { summary }: CaptureDecoder): CodedError {
  const names = request.files.map(nameOf).join(', ')
  const { packets, otherPackets, otherPayloads } = reader.counters
  let message = `Nothing in ${names} could be decoded as NetFlow, IPFIX or sFlow`
  if (summary.messages > 0) message += `: all ${summary.messages} Messages are malformed; --format summary says why`
  else if (packets === 0)
    message += '; name a capture (pcap, pcapng), an IPFIX File, or use --input datagram for one payload'
  else if (request.ports.length > 0)
    message += `: none of ${packets} packets goes to port ${request.ports.join(' or ')}; leave --port out to look at all`
  else message += `: ${otherPackets} of ${packets} packets are not UDP or TCP, ${otherPayloads} have another payload`
  return new CodedError('NOTHING_DECODED', message, exitCodes.badInput, { ...reader.counters })
}
