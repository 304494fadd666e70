import { pino, destination as fileDestination } from 'pino'
import type { DestinationStream } from 'pino'
import { systemClock } from './clock.ts'
import { LogSampler } from './log-sampler.ts'
import { safeText, safeValue } from './safe-text.ts'
import type { Clock } from './clock.ts'
import type { SampleLimits } from './log-sampler.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** Plain data about a line; `exporter` also counts against that exporter's share of lines. */
export type LogFields = Readonly<Record<string, unknown>>

/**
 * JSON lines on standard error. Every line has a code from a closed list; lines are sampled by code (L-76), so that nothing
 * from the wire can flood the log, and every value is escaped and cut (TH-39). Counters are never sampled: count first, log then.
 */
export interface Log {
  debug(code: string, message: string, fields?: LogFields): void
  info(code: string, message: string, fields?: LogFields): void
  warn(code: string, message: string, fields?: LogFields): void
  error(code: string, message: string, fields?: LogFields): void
  /** The same log with fields that every line then carries. */
  child(fields: LogFields): Log
  /** True if lines of this level are written at all: ask before making costly fields. */
  isEnabled(level: LogLevel): boolean
  /** Write lines of this level and above from now on; also in the logs that were made of this one, and the one it was made of. */
  setLevel(level: LogLevel): void
  /** Lines not written because of sampling, since the start. */
  readonly suppressed: number
  /** Write what sampling left out until now as summary lines. */
  flush(): void
}

export interface LogOptions {
  /** Which process: `collector`, `mediator`, … */
  readonly name: string
  /** Default `info`. */
  readonly level?: LogLevel
  /** Where lines go; default standard error, written at once. */
  readonly destination?: DestinationStream
  readonly clock?: Clock
  readonly limits?: SampleLimits
}

/** @see Log */
export function createLog(options: LogOptions): Log {
  const clock = options.clock ?? systemClock
  const sampler = new LogSampler(options.limits)
  const sink = pino(
    {
      level: options.level ?? 'info',
      base: { process: options.name, pid: process.pid },
      timestamp: () => `,"time":"${new Date(clock.nowMs()).toISOString()}"`,
      formatters: { level: label => ({ level: label }) },
      messageKey: 'message'
    },
    options.destination ?? fileDestination({ fd: 2, sync: true })
  )
  let isSummaryDue = false

  const writeSummary = (): void => {
    for (const [code, count] of sampler.takeSuppressed()) {
      sink.warn({ code: 'log_suppressed', of: code, count }, `${count} more lines with code ${code} were not written`)
    }
  }
  const write = (level: LogLevel, bindings: LogFields, code: string, message: string, fields: LogFields): void => {
    if (!sink.isLevelEnabled(level)) return
    const nowMs = clock.monotonicMs()
    if (sampler.isWindowOver(nowMs)) writeSummary()
    const exporter = fields.exporter ?? bindings.exporter
    if (!sampler.passes(code, typeof exporter === 'string' ? exporter : undefined, nowMs)) {
      if (!isSummaryDue) scheduleSummary()
      return
    }
    sink[level](safeValue({ code, ...bindings, ...fields }), safeText(message, 1024))
  }
  const scheduleSummary = (): void => {
    isSummaryDue = true
    clock
      .setTimer(60_000, () => {
        isSummaryDue = false
        writeSummary()
      })
      .unref()
  }
  const bind = (bindings: LogFields): Log => ({
    debug: (code, message, fields = {}) => write('debug', bindings, code, message, fields),
    info: (code, message, fields = {}) => write('info', bindings, code, message, fields),
    warn: (code, message, fields = {}) => write('warn', bindings, code, message, fields),
    error: (code, message, fields = {}) => write('error', bindings, code, message, fields),
    child: fields => bind({ ...bindings, ...fields }),
    isEnabled: level => sink.isLevelEnabled(level),
    setLevel: level => void (sink.level = level),
    get suppressed() {
      return sampler.suppressed
    },
    flush: writeSummary
  })
  return bind({})
}

/** A log that writes nothing, for tests and one-shot commands. */
export function silentLog(): Log {
  return createLog({ name: 'silent', level: 'error', destination: { write: () => undefined } })
}
