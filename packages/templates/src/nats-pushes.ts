import type { NatsConnection } from '@nats-io/transport-node'
import { parsePlaceLine, placeLine } from './nats-key.ts'
import type { Place } from './stored-entry.ts'

/** Far below the longest message of any server. */
const MAX_PLACES = 256

/**
 * Tells other pods which places changed: a plain message after each round of writes. A watch of the bucket would bring
 * every pod each announcement that comes again and each sequence number, and loses what is written over before it is
 * delivered. Not believed: who is told of a place reads it.
 */
export class NatsPushes {
  readonly #subject: string
  readonly #writer: string
  readonly #onPlaces: (places: readonly Place[]) => void

  /** @param writer - names this pod; what it told itself is not told to it. */
  constructor(bucket: string, writer: string, onPlaces: (places: readonly Place[]) => void) {
    this.#subject = `weir.${bucket}.changed`
    this.#writer = writer
    this.#onPlaces = onPlaces
  }

  /** Listens as long as the connection lasts; from when this resolves, nothing is missed. */
  async listen(connection: NatsConnection): Promise<void> {
    connection.subscribe(this.#subject, {
      callback: (error, message) => {
        if (error !== null) return
        const [writer, ...lines] = message.string().split('\n')
        if (writer === this.#writer) return
        const places = lines
          .slice(0, MAX_PLACES)
          .map(parsePlaceLine)
          .filter(place => place !== undefined)
        if (places.length > 0) this.#onPlaces(places)
      }
    })
    await connection.flush()
  }

  tell(connection: NatsConnection, places: readonly Place[]): void {
    if (connection.isClosed()) return
    for (let from = 0; from < places.length; from += MAX_PLACES) {
      const lines = places.slice(from, from + MAX_PLACES).map(placeLine)
      connection.publish(this.#subject, [this.#writer, ...lines].join('\n'))
    }
  }
}
