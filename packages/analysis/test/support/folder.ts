import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { inputOf } from './captures.ts'
import type { TaskInput } from '../../src/index.ts'

/** An empty folder that goes with the test. */
export function folderOf(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'weir-analysis-'))
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A file of these octets as a task gets it. */
export function fileOf(context: TestContext, name: string, octets: Uint8Array): TaskInput {
  const path = join(folderOf(context), name)
  writeFileSync(path, octets)
  return inputOf(path)
}
