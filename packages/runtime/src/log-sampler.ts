/** How many lines of one code a minute lets through (L-76). */
export interface SampleLimits {
  readonly perMinute: number
  readonly perExporterPerMinute: number
}

const defaultSampleLimits: SampleLimits = { perMinute: 100, perExporterPerMinute: 10 }

const WINDOW_MS = 60_000
const MAX_EXPORTERS = 1_000

interface CodeWindow {
  passed: number
  suppressed: number
  readonly byExporter: Map<string, number>
}

/** Decides which lines pass: so many of a code in a minute, so many of them for one exporter. Bounded memory. */
export class LogSampler {
  readonly #limits: SampleLimits
  readonly #codes = new Map<string, CodeWindow>()
  #windowEndMs = 0
  /** Lines not written since the start. */
  suppressed = 0

  constructor(limits: SampleLimits = defaultSampleLimits) {
    this.#limits = limits
  }

  /**
   * @param code - the line's code: from a closed list, never from the wire.
   * @param exporter - whom it is about, or undefined.
   * @param nowMs - monotonic.
   * @returns true if the line is to be written.
   */
  passes(code: string, exporter: string | undefined, nowMs: number): boolean {
    if (this.#windowEndMs === 0) this.#windowEndMs = nowMs + WINDOW_MS
    let window = this.#codes.get(code)
    if (window === undefined) {
      window = { passed: 0, suppressed: 0, byExporter: new Map() }
      this.#codes.set(code, window)
    }
    if (window.passed < this.#limits.perMinute && this.#exporterPasses(window, exporter)) {
      window.passed++
      return true
    }
    window.suppressed++
    this.suppressed++
    return false
  }

  #exporterPasses(window: CodeWindow, exporter: string | undefined): boolean {
    if (exporter === undefined) return true
    const seen = window.byExporter.get(exporter) ?? 0
    if (seen >= this.#limits.perExporterPerMinute) return false
    if (seen > 0 || window.byExporter.size < MAX_EXPORTERS) window.byExporter.set(exporter, seen + 1)
    return true
  }

  /** True when the minute is over and {@link takeSuppressed} is due. */
  isWindowOver(nowMs: number): boolean {
    return this.#windowEndMs !== 0 && nowMs >= this.#windowEndMs
  }

  /** End the minute: what was suppressed in it, by code. */
  takeSuppressed(): Map<string, number> {
    const counts = new Map<string, number>()
    for (const [code, window] of this.#codes) if (window.suppressed > 0) counts.set(code, window.suppressed)
    this.#codes.clear()
    this.#windowEndMs = 0
    return counts
  }
}
