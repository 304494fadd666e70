import { chmod, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { UnavailableError, errorCode, errorMessage } from '@weir/runtime'
import { isAbandoned, lockFolder } from './folder-lock.ts'

/** Octets of the longest socket name below it. */
const LONGEST_NAME_OCTETS = '/mediator-99.data.owner'.length
const LONGEST_SOCKET_PATH_OCTETS = 103

/** What `mkdtemp` makes below. */
const temporaryName = /^weir-[A-Za-z0-9]{6}$/

/** The folder of the sockets between the processes. */
export interface RunFolder {
  readonly path: string
  /** Remove it, if it was made for this run only. */
  remove(): Promise<void>
}

/**
 * Make the folder of the sockets: that of the configuration, or a temporary one. For its owner only (0700), because whoever can
 * connect to the link is trusted.
 */
export async function makeRunFolder(runDir: string | null): Promise<RunFolder> {
  try {
    if (runDir === null) {
      const base =
        Buffer.byteLength(tmpdir()) + 20 > LONGEST_SOCKET_PATH_OCTETS - LONGEST_NAME_OCTETS ? '/tmp' : tmpdir()
      await removeAbandoned(base)
      const path = await mkdtemp(join(base, 'weir-'))
      await lockFolder(path)
      return { path, remove: () => rm(path, { recursive: true, force: true }) }
    }
    await mkdir(runDir, { recursive: true, mode: 0o700 })
    await chmod(runDir, 0o700)
    return { path: runDir, remove: async () => undefined }
  } catch (error) {
    throw new UnavailableError(
      errorCode(error) ?? 'RUN_DIR',
      `runDir ${runDir ?? tmpdir()} cannot be used: ${errorMessage(error)}; set runDir or WEIR_RUN_DIR to a folder of yours`,
      {},
      error
    )
  }
}

/** Folders of supervisors that were killed: nobody else comes back to them. What cannot be removed is not ours. */
async function removeAbandoned(base: string): Promise<void> {
  for (const name of await readdir(base)) {
    const path = join(base, name)
    if (temporaryName.test(name) && (await isAbandoned(path))) {
      await rm(path, { recursive: true, force: true }).catch(() => undefined)
    }
  }
}
