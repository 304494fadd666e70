/**
 * What an operator wants of a destination. `paused`: it takes what comes into its queue and sends nothing. `draining`: it takes
 * nothing new and sends what it has; then it is `drained`, and its session is ended.
 */
export const destinationModes = ['running', 'paused', 'draining', 'drained'] as const
export type DestinationMode = (typeof destinationModes)[number]

/** What can be asked for; `drained` comes by itself. */
export type WantedMode = Exclude<DestinationMode, 'drained'>

/** How a flush ended. */
export interface FlushResult {
  /** What waited when it was asked for has left, and its file is whole. */
  readonly isDone: boolean
  /** Records that waited then. */
  readonly records: number
  /** A file was finished. */
  readonly hasRotated: boolean
}
