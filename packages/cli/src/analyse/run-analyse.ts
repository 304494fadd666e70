import { statSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { analyseFlows, reportPage } from '@weir/analysis'
import { STANDARD_INPUT } from '@weir/analysis/files'
import { CodedError, errorCode, exitCodes } from '@weir/runtime'
import { inputName, octetsOfFiles } from '../decode/capture-input.ts'
import { createProgress } from '../decode/decode-progress.ts'
import { reportText } from './report-text.ts'
import type { TaskInput } from '@weir/analysis'
import type { DecodeStreams } from '../decode/run-decode.ts'

/** What `weir analyse` was asked for. */
export interface AnalyseRequest {
  readonly files: readonly string[]
  readonly htmlFile: string | undefined
  /** Print the whole report as JSON, not a summary. */
  readonly isJson: boolean
  readonly filter: string | undefined
  readonly top: number
  readonly memoryMebibytes: number
}

/** A file on one's own machine may become larger than one that was sent. */
const EXPANSION = 1000

/**
 * Analyse files and print what is in them.
 *
 * @throws CodedError with exit 64 for a filter that cannot be read, 65 if nothing could be decoded, 66 for a file that cannot
 * be read, 74 if the page cannot be written.
 */
export async function runAnalyse(request: AnalyseRequest, { stdout, stderr }: DecodeStreams): Promise<void> {
  const { files, filter, top } = request
  const inputs = files.map((path): TaskInput => {
    const octets = path === STANDARD_INPUT ? 0 : (statSync(path, { throwIfNoEntry: false })?.size ?? 0)
    return { name: path === STANDARD_INPUT ? inputName(path) : basename(path), path, octets }
  })
  const progress = createProgress(octetsOfFiles(files), stderr.isTTY === true)
  const memoryOctets = request.memoryMebibytes * 2 ** 20
  let octetsRead = 0
  try {
    const report = await analyseFlows(
      { top, filter: filter ?? null },
      {
        inputs,
        limits: { outputOctets: Infinity, expansion: EXPANSION, memoryOctets },
        signal: new AbortController().signal,
        progress(now) {
          progress.add(now.octetsRead - octetsRead)
          octetsRead = now.octetsRead
        }
      }
    )
    progress.stop()
    if (request.htmlFile !== undefined) writePage(request.htmlFile, reportPage(report))
    stdout.write(request.isJson ? `${JSON.stringify(report)}\n` : reportText(report))
  } finally {
    progress.stop()
  }
}

function writePage(path: string, page: string): void {
  try {
    writeFileSync(path, page)
  } catch (error) {
    const message = `${path} cannot be written (${errorCode(error) ?? 'unknown'}); name a file in a folder that is there and is yours`
    throw new CodedError('OUTPUT_FAILED', message, exitCodes.inputOutput, { path }, error)
  }
}
