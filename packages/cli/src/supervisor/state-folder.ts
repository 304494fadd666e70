import { mkdir } from 'node:fs/promises'
import { UnavailableError, errorCode, errorMessage } from '@weir/runtime'
import { lockFolder } from './folder-lock.ts'
import type { FolderLock } from './folder-lock.ts'

/**
 * Make the state folder and take it for this process: two that write it would undo each other's templates and destinations.
 *
 * @throws UnavailableError if it cannot be written, or another `weir up` has it.
 */
export async function takeStateFolder(stateDir: string): Promise<FolderLock> {
  const remedy = 'set stateDir or WEIR_STATE_DIR to a folder of its own'
  let lock: FolderLock | undefined
  try {
    await mkdir(stateDir, { recursive: true, mode: 0o700 })
    lock = await lockFolder(stateDir)
  } catch (error) {
    const why = `stateDir ${stateDir} cannot be written: ${errorMessage(error)}; ${remedy}`
    throw new UnavailableError(errorCode(error) ?? 'STATE_DIR', why, {}, error)
  }
  if (lock === undefined) {
    throw new UnavailableError(
      'STATE_DIR_TAKEN',
      `another weir up keeps its state in ${stateDir}; end it, or ${remedy}`
    )
  }
  return lock
}
