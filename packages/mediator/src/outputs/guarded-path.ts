import { lstatSync, realpathSync } from 'node:fs'
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
