import { join, resolve, sep } from 'node:path'

/** Below the state folder: where destinations that come through the API write files unless the file says otherwise. */
const OWN_FOLDER = 'files'

/** Folders in which destinations that come through the API may write (TH-35). */
export class FolderPolicy {
  /** Absolute. */
  readonly folders: readonly string[]

  /** @param folders - as configured; none is that of our own. */
  constructor(folders: readonly string[], stateDir: string) {
    this.folders = (folders.length > 0 ? folders : [join(stateDir, OWN_FOLDER)]).map(folder => resolve(folder))
  }

  /**
   * Whether a path is one of them or below it. It is compared as it is written: whoever opens it asks with the real one.
   *
   * @param real - what a folder really is, where it is there.
   */
  allows(path: string, real: (folder: string) => string = folder => folder): boolean {
    const wanted = withEnd(resolve(path))
    return this.folders.some(folder => wanted.startsWith(withEnd(real(folder))))
  }
}

const withEnd = (folder: string): string => (folder.endsWith(sep) ? folder : folder + sep)
