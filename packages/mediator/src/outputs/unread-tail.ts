/** What a TCP connection can hold unread: Linux' greatest send buffer (tcp_wmem) and receive buffer (tcp_rmem), octets. */
const UNREAD_OCTETS = 4_194_304 + 6_291_456
/** Small writes are counted together, so that there are few parts. */
const PART_OCTETS = 65_536

interface Part {
  octets: number
  records: number
}

/**
 * The records that the kernel has taken last: as many as the receiver may not have read. IPFIX has no acknowledgement, so
 * nobody knows which of them are lost with their connection; but there are not more.
 */
export class UnreadTail {
  #parts: Part[] = []
  #octets = 0
  #records = 0

  /** @param octets - that the kernel has taken. */
  add(octets: number, records: number): void {
    const last = this.#parts.at(-1)
    if (last !== undefined && last.octets < PART_OCTETS) {
      last.octets += octets
      last.records += records
    } else this.#parts.push({ octets, records })
    this.#octets += octets
    this.#records += records
    let read = 0
    for (const part of this.#parts) {
      if (this.#octets - part.octets < UNREAD_OCTETS) break
      this.#octets -= part.octets
      this.#records -= part.records
      read++
    }
    if (read > 0) this.#parts.splice(0, read)
  }

  /** The connection is lost. @returns records that may be lost with it; the next connection begins with none. */
  take(): number {
    const records = this.#records
    this.#parts = []
    this.#octets = 0
    this.#records = 0
    return records
  }
}
