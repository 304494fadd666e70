import { LAST_SECOND } from '../record-table/time-of-words.ts'

const DAY_SECONDS = 86_400
const DATE_LENGTH = 10
const ZERO = 48
const COLON = 58

/** Writes times as text: ISO 8601, UTC. Keeps the last day. */
export class TimeText {
  readonly #date = new Uint8Array(DATE_LENGTH)
  #day = -1

  /**
   * @param digits - of the fraction: 0, 3, 6 or 9.
   * @returns the end; where the year has more than four digits nothing is written.
   */
  write(out: Uint8Array, q: number, seconds: number, nanoseconds: number, digits: 0 | 3 | 6 | 9): number {
    if (!(seconds >= 0 && seconds <= LAST_SECOND)) return q
    const day = Math.floor(seconds / DAY_SECONDS)
    if (day !== this.#day) this.#keep(day)
    const date = this.#date
    for (let n = 0; n < DATE_LENGTH; n++) out[q + n] = date[n]
    const second = seconds - day * DAY_SECONDS
    const minute = (second / 60) | 0
    const hour = (minute / 60) | 0
    out[q + 10] = 84
    twoDigits(out, q + 11, hour)
    out[q + 13] = COLON
    twoDigits(out, q + 14, minute - hour * 60)
    out[q + 16] = COLON
    twoDigits(out, q + 17, second - minute * 60)
    let at = q + 19
    if (digits > 0) {
      out[at++] = 46
      at = threeDigits(out, at, (nanoseconds / 1e6) | 0)
      if (digits > 3) at = threeDigits(out, at, ((nanoseconds / 1e3) | 0) % 1000)
      if (digits > 6) at = threeDigits(out, at, nanoseconds % 1000)
    }
    out[at] = 90
    return at + 1
  }

  #keep(day: number): void {
    const text = new Date(day * DAY_SECONDS * 1000).toISOString()
    for (let n = 0; n < DATE_LENGTH; n++) this.#date[n] = text.charCodeAt(n)
    this.#day = day
  }
}

function twoDigits(out: Uint8Array, at: number, value: number): void {
  const tens = (value / 10) | 0
  out[at] = ZERO + tens
  out[at + 1] = ZERO + value - tens * 10
}

function threeDigits(out: Uint8Array, at: number, value: number): number {
  const hundreds = (value / 100) | 0
  out[at] = ZERO + hundreds
  twoDigits(out, at + 1, value - hundreds * 100)
  return at + 3
}
