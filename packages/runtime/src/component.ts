/**
 * One part of a process. `create<Name>(config, deps)` makes it inert; nothing happens before `start`.
 */
export interface Component {
  /** For the log: what fails or hangs. */
  readonly name: string
  /**
   * Resolves when it serves; rejects to abort the start-up of the whole process.
   *
   * @param signal - aborted when the process is told to stop while it is still starting.
   */
  start(signal: AbortSignal): Promise<void>
  /**
   * Stops intake, drains, closes. May be called twice, and before `start`.
   *
   * @param deadlineMs - milliseconds from now in which it has to be done.
   */
  stop(deadlineMs: number): Promise<void>
}
