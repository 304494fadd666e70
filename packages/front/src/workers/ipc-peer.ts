import { HttpProblem } from '@weir/http'
import { errorMessage } from '@weir/runtime'

/** What crosses between two processes of a front, besides the words of the supervisor. */
type PeerMessage =
  | { readonly peer: 'call'; readonly id: number; readonly name: string; readonly args: readonly unknown[] }
  | { readonly peer: 'answer'; readonly id: number; readonly value?: unknown }
  | { readonly peer: 'failure'; readonly id: number; readonly failure: PeerFailure }

interface PeerFailure {
  readonly message: string
  /** Of an answer that is a problem document. */
  readonly problem?: { readonly status: number; readonly code: string; readonly detail: string }
}

/** What the other side may call, by name. */
export type PeerHandlers = Readonly<Record<string, (...args: never[]) => unknown>>

interface Waiting {
  resolve(value: unknown): void
  reject(error: Error): void
}

/** One end of the channel between the primary process of a front and one of its workers: calls and their answers, in order. */
export class IpcPeer {
  readonly #send: (message: PeerMessage) => void
  readonly #handlers: PeerHandlers
  readonly #waiting = new Map<number, Waiting>()
  #nextId = 0
  #isClosed = false

  constructor(send: (message: object) => void, handlers: PeerHandlers) {
    this.#send = send
    this.#handlers = handlers
  }

  /** @throws HttpProblem that the other side threw; Error if it is gone. */
  call<T>(name: string, ...args: readonly unknown[]): Promise<T> {
    if (this.#isClosed) return Promise.reject(new Error('the other process is gone'))
    const id = this.#nextId++
    return new Promise<T>((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject })
      this.#send({ peer: 'call', id, name, args })
    })
  }

  /** Take a message of the channel; what is none of ours is left alone. */
  receive(message: unknown): void {
    const its = message as PeerMessage | null
    if (typeof its !== 'object' || its === null || !('peer' in its)) return
    if (its.peer === 'call') return void this.#answer(its.id, its.name, its.args)
    const waiting = this.#waiting.get(its.id)
    this.#waiting.delete(its.id)
    if (its.peer === 'answer') waiting?.resolve(its.value)
    else waiting?.reject(errorOf(its.failure))
  }

  /** The other side is gone: nothing more is answered. */
  close(): void {
    this.#isClosed = true
    for (const { reject } of this.#waiting.values()) reject(new Error('the other process is gone'))
    this.#waiting.clear()
  }

  async #answer(id: number, name: string, args: readonly unknown[]): Promise<void> {
    try {
      const value = await (this.#handlers[name] as (...given: readonly unknown[]) => unknown)(...args)
      if (!this.#isClosed) this.#send({ peer: 'answer', id, value })
    } catch (error) {
      const problem = error instanceof HttpProblem ? { problem: error.problem } : {}
      if (!this.#isClosed) this.#send({ peer: 'failure', id, failure: { message: errorMessage(error), ...problem } })
    }
  }
}

const errorOf = ({ message, problem }: PeerFailure): Error =>
  problem === undefined ? new Error(message) : new HttpProblem(problem.status, problem.code, problem.detail)
