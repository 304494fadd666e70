import { mkdtempSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { tasks } from '@weir/analysis/tasks'
import { CodedError, errorCode, exitCodes, InvariantError } from '@weir/runtime'
import { createProgress } from '../decode/decode-progress.ts'
import { octetsOfFiles } from '../decode/capture-input.ts'
import { stopSignal } from '../traffic/stop-signal.ts'
import type { TaskInput, TaskResult } from '@weir/analysis'
import type { TextStream } from '../decode/run-decode.ts'

/** What `weir convert` was asked for. */
export interface ConvertRequest {
  readonly files: readonly string[]
  readonly output: string
  /** As the job type has them. */
  readonly params: { readonly to: 'ndjson' | 'csv' | 'parquet' | 'ipfix'; readonly [name: string]: unknown }
}

/** 128 + SIGINT. */
const STOPPED_BY_SIGNAL = 130

/** Of a person's own files: what a job of somebody else's may not. */
const limits = { outputOctets: Number.MAX_SAFE_INTEGER, expansion: 10_000, memoryOctets: 1024 * 1024 * 1024 }

/**
 * Convert files. The output is there when it is whole, and not before.
 *
 * @throws CodedError of the task; INPUT_UNREADABLE, OUTPUT_FAILED.
 */
export async function runConvert(
  { files, output, params }: ConvertRequest,
  stderr: TextStream
): Promise<TaskResult['summary']> {
  const task = tasks.find(({ name }) => name === 'convert')
  if (task === undefined) throw new InvariantError('there is no task convert')
  const inputs = files.map(inputOf)
  const folder = folderBeside(output)
  const bar = createProgress(octetsOfFiles(files), stderr.isTTY === true)
  const stop = stopSignal()
  let octets = 0
  try {
    const { files: made, summary } = await task.run(params, {
      inputs,
      outputFolder: folder,
      limits,
      signal: stop.signal,
      progress: ({ octetsRead }) => {
        bar.add(octetsRead - octets)
        octets = octetsRead
      }
    })
    renameSync(join(folder, made[0]!.name), output)
    return summary
  } catch (error) {
    if (!stop.signal.aborted) throw error
    throw new CodedError('STOPPED', `Stopped; ${output} was not written`, STOPPED_BY_SIGNAL)
  } finally {
    bar.stop()
    stop.release()
    rmSync(folder, { recursive: true, force: true })
  }
}

function inputOf(path: string): TaskInput {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat === undefined) {
    throw new CodedError('INPUT_UNREADABLE', `${path} does not exist; check the name`, exitCodes.noInput, { path })
  }
  return { name: path, path, octets: stat.size }
}

/** On the same file system, so that the result can be moved in one step. */
function folderBeside(output: string): string {
  try {
    return mkdtempSync(join(dirname(output), '.weir-convert-'))
  } catch (error) {
    const message = `${dirname(output)} cannot be written to (${errorCode(error)}); make it, or write elsewhere`
    throw new CodedError('OUTPUT_FAILED', message, exitCodes.inputOutput, { output }, error)
  }
}
