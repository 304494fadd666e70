import type { TemplateStore } from '@weir/templates'
import type { EventOutlet } from './event-outlet.ts'

/** Tells when the shared store stops to answer, and when it answers again. Looked at once a second. */
export class StoreWatch {
  readonly #store: TemplateStore | undefined
  readonly #outlet: EventOutlet
  #isDown = false

  constructor(store: TemplateStore | undefined, outlet: EventOutlet) {
    this.#store = store
    this.#outlet = outlet
  }

  /** @param nowMs - monotonic. */
  tick(nowMs: number): void {
    if (this.#store === undefined) return
    const { health } = this.#store
    const isDown = health !== 'up'
    if (isDown === this.#isDown) return
    this.#isDown = isDown
    this.#outlet.tell(isDown ? 'store_down' : 'store_up', nowMs, () => ({ health }))
  }
}
