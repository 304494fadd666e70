import { createHash } from 'node:crypto'
import { rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import type { Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { errorCode } from '@weir/runtime'

/** The longest name of a Unix socket, octets. */
const LONGEST_SOCKET_PATH_OCTETS = 103

/** A folder that is ours as long as this process lives: the kernel gives it back even after SIGKILL. */
export interface FolderLock {
  release(): Promise<void>
}

/**
 * Take a folder for this process. A socket is what holds it, because no process can leave a listening one behind.
 *
 * @param folder - absolute; it is there.
 * @returns undefined if another process has it.
 * @throws the system's error if nothing can be made in it.
 */
export async function lockFolder(folder: string): Promise<FolderLock | undefined> {
  const path = lockPath(folder)
  for (;;) {
    try {
      return lockOf(await listen(path))
    } catch (error) {
      if (errorCode(error) !== 'EADDRINUSE') throw error
    }
    if (await isHeld(path)) return undefined
    rmSync(path, { force: true })
  }
}

/** True if a process has taken the folder and is gone without a word. */
export async function isAbandoned(folder: string): Promise<boolean> {
  return (await probe(lockPath(folder))) === 'ECONNREFUSED'
}

function lockPath(folder: string): string {
  const path = join(folder, 'weir.lock')
  if (Buffer.byteLength(path) <= LONGEST_SOCKET_PATH_OCTETS) return path
  return join(tmpdir(), `weir-${createHash('sha256').update(folder).digest('hex').slice(0, 16)}.lock`)
}

function listen(path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer(socket => socket.destroy()).unref()
    server.once('error', reject)
    server.listen(path, () => resolve(server))
  })
}

const lockOf = (server: Server): FolderLock => ({
  release: () => new Promise(resolve => server.close(() => resolve()))
})

const isHeld = async (path: string): Promise<boolean> => (await probe(path)) === undefined

/** @returns the code of the error, undefined if somebody listens. */
function probe(path: string): Promise<string | undefined> {
  return new Promise(resolve => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(undefined)
    })
    socket.once('error', error => resolve(errorCode(error)))
  })
}
