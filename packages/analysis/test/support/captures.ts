import { existsSync, readFileSync, statSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import type { TaskInput } from '../../src/index.ts'

/** Where real captures are, if they are there. */
export const capturesFolder: string =
  process.env.WEIR_CAPTURES ?? resolve(import.meta.dirname, '../../../../../shared/captures')
const isAbsent = !existsSync(join(capturesFolder, 'manifest.json'))
/** False, or why tests of captures are skipped; said aloud. */
export const skipCaptures: string | false = isAbsent
  ? `NO CAPTURES: ${capturesFolder} has no manifest.json; set WEIR_CAPTURES to the folder that has`
  : false
if (skipCaptures !== false) process.stderr.write(`${skipCaptures}\n`)

/** One case of the manifest. */
export interface CaptureCase {
  readonly name: string
  readonly format: string
  readonly files: readonly { readonly path: string }[]
  readonly ports: readonly string[]
  /** The number to test against; `basis` says who agrees. */
  readonly expected: { readonly dataRecords?: number; readonly basis?: string }
  /** What nfcapd counted when the payloads were sent to it. */
  readonly nfcapd?: {
    readonly tool: string
    readonly flows: number
    readonly packets: number
    readonly bytes: number
  } | null
}

/** All cases, or none. */
export const captureCases: readonly CaptureCase[] = isAbsent
  ? []
  : (JSON.parse(readFileSync(join(capturesFolder, 'manifest.json'), 'utf8')) as CaptureCase[])

/** A file as a task gets it. */
export const inputOf = (path: string, name: string = basename(path)): TaskInput => ({
  name,
  path,
  octets: statSync(path).size
})
