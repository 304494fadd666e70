import type { Clock, Log, Metrics } from '@weir/runtime'
import { AuditLog } from '../auth/audit-log.ts'
import type { AuditLine } from '../auth/audit-log.ts'
import { KeyBook } from '../auth/key-book.ts'
import type { Keys } from '../auth/key-book.ts'
import type { KeyStore } from '../auth/key-store.ts'
import { RateLimiter } from '../auth/rate-limiter.ts'

/** So many in a time for each name. */
export interface Limiter {
  /** Take one. @returns 0, or milliseconds until there is one again; then nothing was taken. */
  take(name: string): number | Promise<number>
}

/** What is limited. */
export type Limited = 'requests' | 'writes' | 'failures'

/** What there is once in a front, however many processes serve: keys, the audit log, what is left of each limit. */
export interface FrontHome {
  readonly keys: Keys
  readonly audit: { add(line: AuditLine): void; flush(): Promise<void> }
  readonly adminKeyPath: string
  limiter(what: Limited, count: number, windowMs: number): Limiter
  /** @returns whether the admin key was made by this start. @throws ConfigError */
  start(): Promise<{ readonly isAdminKeyNew: boolean }>
  close(): Promise<void>
  /** The metrics of all processes, those of this one among them. */
  metrics(own: Metrics): Metrics
}

/** The home of a front that is one process. */
export function localHome(
  stateDir: string,
  keysLimit: number,
  clock: Clock,
  log: Log,
  store: KeyStore | undefined
): FrontHome {
  const keys = new KeyBook({ stateDir, clock, limit: keysLimit, store, log })
  return {
    keys,
    audit: new AuditLog(stateDir, log),
    adminKeyPath: keys.adminKeyPath,
    limiter: (_what, count, windowMs) => new RateLimiter(clock, count, windowMs),
    start: () => keys.load(),
    close: () => keys.close(),
    metrics: own => own
  }
}
