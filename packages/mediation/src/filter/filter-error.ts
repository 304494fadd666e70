/** A filter's text cannot be read. Caused by who wrote it; nothing of it is in force. */
export class FilterError extends Error {
  readonly code = 'FILTER_INVALID'
  /** Where in the text, in characters from 0; the text's length if something is missing at its end. */
  readonly offset: number
  /** What may stand there. */
  readonly allowed: string
  /** The word that should have been a name and is none. */
  readonly unknownName: string | undefined

  /** @param message - what is wrong, without the place. */
  constructor(message: string, offset: number, allowed: string, unknownName?: string) {
    super(`at character ${offset + 1}: ${message}`)
    this.name = 'FilterError'
    this.offset = offset
    this.allowed = allowed
    this.unknownName = unknownName
  }
}
