import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A folder that is removed when this process ends; kept, and named, if WEIR_TEST_KEEP is set. */
export function tempFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `weir-${name}-`))
  process.on('exit', () => {
    if (process.env.WEIR_TEST_KEEP === undefined) rmSync(folder, { recursive: true, force: true })
    else process.stderr.write(`kept: ${folder}\n`)
  })
  return folder
}
