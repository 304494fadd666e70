import type { SenderSession } from './sender-session.ts'

/** Gathers the acknowledgements that become due in one turn of the event loop: one for each sender at its end. */
export class AckQueue {
  readonly #soon: (callback: () => void) => void
  readonly #acknowledge: (session: SenderSession) => void
  readonly #due: SenderSession[] = []

  constructor(soon: (callback: () => void) => void, acknowledge: (session: SenderSession) => void) {
    this.#soon = soon
    this.#acknowledge = acknowledge
  }

  add(session: SenderSession): void {
    if (session.isAckDue) return
    session.isAckDue = true
    this.#due.push(session)
    if (this.#due.length === 1) this.#soon(this.#flush)
  }

  readonly #flush = (): void => {
    for (const session of this.#due) {
      session.isAckDue = false
      this.#acknowledge(session)
    }
    this.#due.length = 0
  }
}
