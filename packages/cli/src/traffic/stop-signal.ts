/** Aborted by Ctrl-C or SIGTERM, so that a command can end in order and report. A second one ends the process as usual. */
export function stopSignal(): { signal: AbortSignal; release(): void } {
  const controller = new AbortController()
  const release = (): void => {
    process.off('SIGINT', stop).off('SIGTERM', stop)
  }
  const stop = (): void => {
    release()
    controller.abort()
  }
  process.once('SIGINT', stop).once('SIGTERM', stop)
  return { signal: controller.signal, release }
}
