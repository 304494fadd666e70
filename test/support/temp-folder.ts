import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const folders: string[] = []

/** A folder that is removed when this process ends; kept, and named, if WEIR_TEST_KEEP is set. */
export function tempFolder(name: string): string {
  if (folders.length === 0) process.on('exit', removeAll)
  const folder = mkdtempSync(join(tmpdir(), `weir-${name}-`))
  folders.push(folder)
  return folder
}

function removeAll(): void {
  for (const folder of folders) {
    if (process.env.WEIR_TEST_KEEP === undefined) rmSync(folder, { recursive: true, force: true })
    else process.stderr.write(`kept: ${folder}\n`)
  }
}
