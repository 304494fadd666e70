/** Counts answers by method, route pattern (not path: bounded) and status. */
export class RequestCounters {
  readonly #counts = new Map<string, { method: string; route: string; status: string; count: number }>()

  count(method: string, route: string, status: number): void {
    const key = `${method} ${route} ${status}`
    const known = this.#counts.get(key)
    if (known === undefined) this.#counts.set(key, { method, route, status: String(status), count: 1 })
    else known.count++
  }

  values(): Iterable<{
    readonly method: string
    readonly route: string
    readonly status: string
    readonly count: number
  }> {
    return this.#counts.values()
  }
}
