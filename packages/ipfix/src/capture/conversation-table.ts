import type { Endpoint } from './captured-message.ts'
import { ipText } from './ip-packet.ts'
import type { IpPacket } from './ip-packet.ts'

/** Most conversations that are told apart at a time; the oldest is forgotten first. */
const MAX_CONVERSATIONS = 65536

/** The two ends of a conversation and the number of its Transport Session. */
export interface Conversation {
  readonly key: string
  readonly source: Endpoint
  readonly destination: Endpoint
  readonly session: number
}

/** Numbers the conversations of a capture by addresses and ports; keeps their texts so that each is made once. */
export class ConversationTable {
  readonly #byKey = new Map<string, Conversation>()
  readonly #nextSession: () => number

  constructor(nextSession: () => number) {
    this.#nextSession = nextSession
  }

  /** The conversation of this packet, source to destination. */
  of(
    view: DataView,
    { version, sourceOffset, destinationOffset }: IpPacket,
    ports: number,
    prefix: string
  ): Conversation {
    const addressOctets = version === 4 ? 4 : 16
    let key = `${prefix}${ports}`
    for (let at = 0; at < addressOctets; at += 4) {
      key += `.${view.getUint32(sourceOffset + at)}>${view.getUint32(destinationOffset + at)}`
    }
    const known = this.#byKey.get(key)
    if (known !== undefined) return known
    if (this.#byKey.size >= MAX_CONVERSATIONS) this.#byKey.delete(this.#byKey.keys().next().value!)
    const conversation = {
      key,
      source: { address: ipText(view, sourceOffset, version), port: ports >>> 16 },
      destination: { address: ipText(view, destinationOffset, version), port: ports & 0xffff },
      session: this.#nextSession()
    }
    this.#byKey.set(key, conversation)
    return conversation
  }
}
