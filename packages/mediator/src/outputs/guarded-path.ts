import { closeSync, constants, lstatSync, openSync, readlinkSync, realpathSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { errorCode } from '@weir/runtime'
import type { PathCheck } from '@weir/config'

/** No file may be written there. */
export class PathDenied extends Error {
  readonly code = 'PATH_DENIED'

  constructor() {
    super('mediator.destinationPolicy does not allow the path')
  }
}

/** @throws PathDenied if what a path really is may not be written to. */
export function checkPath(path: string, allows: PathCheck): void {
  if (allows !== undefined && !allows(realPathOf(path))) throw new PathDenied()
}

/**
 * Open a file in a folder that is held open first: where its way leads is looked at when nobody can lead it elsewhere any more. Only Linux
 * names what is open; elsewhere {@link checkPath} before it is all there is.
 *
 * @throws PathDenied; the system's error, for a link too.
 */
export function openGuarded(path: string, flags: number, mode: number, allows: NonNullable<PathCheck>): number {
  const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants
  const guarded = flags | O_NOFOLLOW | O_NONBLOCK
  if (process.platform !== 'linux') return openSync(path, guarded, mode)
  const folder = openSync(dirname(path), O_RDONLY | O_DIRECTORY)
  try {
    const held = `/proc/self/fd/${folder}`
    if (!allows(join(readlinkSync(held), basename(path)))) throw new PathDenied()
    return openSync(`${held}/${basename(path)}`, guarded, mode)
  } finally {
    closeSync(folder)
  }
}

/** A path without symbolic links; what of it is not there yet is what it is called. */
function realPathOf(path: string): string {
  const absolute = resolve(path)
  try {
    return realpathSync(absolute)
  } catch (error) {
    const folder = dirname(absolute)
    if (errorCode(error) !== 'ENOENT' || folder === absolute) throw error
    // A link to what is not there: what is written through it would be made there.
    if (lstatSync(absolute, { throwIfNoEntry: false }) !== undefined) throw new PathDenied()
    return join(realPathOf(folder), basename(absolute))
  }
}
