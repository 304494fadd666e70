import { once } from 'node:events'
import type { Writable } from 'node:stream'

const FLUSH_CHARS = 65536

/** Text for a stream, in pieces of a useful size, no faster than it is taken. */
export class TextOutput {
  /** True if the reader went away (`| head`): nothing more is wanted. */
  isClosed = false
  readonly #stream: Writable
  #text = ''

  constructor(stream: Writable) {
    this.#stream = stream
    stream.on('error', error => {
      if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error
      this.isClosed = true
    })
  }

  add(text: string): void {
    this.#text += text
  }

  /** Write what has come together, if it is much; resolves when there is room for more. */
  async settle(): Promise<void> {
    if (this.#text.length >= FLUSH_CHARS) await this.flush()
  }

  /** Write all; resolves when the stream has room again. */
  async flush(): Promise<void> {
    const text = this.#text
    this.#text = ''
    if (text === '' || this.isClosed) return
    if (!this.#stream.write(text))
      await Promise.race([once(this.#stream, 'drain'), once(this.#stream, 'close')]).catch(() => {})
  }
}
