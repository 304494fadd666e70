import type { Writable } from 'node:stream'

const FLUSH_CHARS = 65536

/** Text for a stream, in pieces of a useful size, no faster than it is taken. */
export class TextOutput {
  /** True if the reader went away (`| head`): nothing more is wanted. */
  isClosed = false
  readonly #stream: Writable
  #text = ''
  #onRoom: (() => void) | undefined
  #error: Error | undefined

  /** Listens to the stream until `close`. */
  constructor(stream: Writable) {
    this.#stream = stream
    stream.on('error', this.#onError).on('close', this.#onClose).on('drain', this.#onDrain)
  }

  add(text: string): void {
    this.#text += text
  }

  /** Write what has come together, if it is much; resolves when there is room for more. */
  async settle(): Promise<void> {
    if (this.#text.length >= FLUSH_CHARS) await this.flush()
  }

  /** Write all; resolves when the stream has room again, or is closed; rejects with an error of the stream. */
  async flush(): Promise<void> {
    const text = this.#text
    this.#text = ''
    if (text !== '' && !this.isClosed && !this.#stream.write(text)) {
      await new Promise<void>(resolve => {
        this.#onRoom = resolve
      })
    }
    if (this.#error !== undefined) throw this.#error
  }

  /** Leave the stream as it was found. */
  close(): void {
    this.#stream.off('error', this.#onError).off('close', this.#onClose).off('drain', this.#onDrain)
  }

  readonly #onError = (error: NodeJS.ErrnoException): void => {
    if (error.code !== 'EPIPE') this.#error = error
    this.#onClose()
  }

  readonly #onClose = (): void => {
    this.isClosed = true
    this.#onDrain()
  }

  readonly #onDrain = (): void => {
    this.#onRoom?.()
    this.#onRoom = undefined
  }
}
