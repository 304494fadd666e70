import type { Log, LogLevel } from '@weir/runtime'
import type { ControlClient } from './control.ts'

/** Serve `process.setLogLevel {level}`: what a process of the pod writes from now on. */
export function serveLogLevel(control: ControlClient, log: Log): void {
  control.handle('process.setLogLevel', params => {
    const { level } = (params ?? {}) as { readonly level?: LogLevel }
    if (level !== undefined) log.setLevel(level)
    return {}
  })
}
