import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { UnavailableError } from '@weir/runtime'
import type { Clock, Component, Timer } from '@weir/runtime'
import type { ChildHandle, StartChild } from './child-host.ts'

const captures = fileURLToPath(new URL('../../../../test/fixtures/captures/', import.meta.url))
const PAUSE_MS = 1_000

/** The project's own captures of real exporters, those over UDP. @throws UnavailableError outside a checkout. */
export function demoCaptures(): string[] {
  try {
    const names = readdirSync(captures).filter(name => name.endsWith('.pcap') && !name.includes('tcp'))
    if (names.length > 0) return names.toSorted().map(name => `${captures}${name}`)
  } catch {
    // Said below.
  }
  throw new UnavailableError(
    'NO_CAPTURES',
    `the demo replays the captures in ${captures}, and there are none; run it in a checkout`
  )
}

/** Replays captures one after the other, again and again, until it is stopped. */
export function createDemoTraffic(
  files: readonly string[],
  to: string,
  startChild: StartChild,
  clock: Clock
): Component {
  let next = 0
  let handle: ChildHandle | undefined
  let timer: Timer | undefined
  let onGone: (() => void) | undefined
  let isStopped = false
  const replay = (): void => {
    handle = startChild(['replay', files[next]!, '--to', to, '--quiet'], {
      onMessage: () => undefined,
      onExit: () => {
        handle = undefined
        onGone?.()
        if (!isStopped) timer = clock.setTimer(PAUSE_MS, replay)
      }
    })
    next = (next + 1) % files.length
  }
  return {
    name: 'demo-traffic',
    start: async () => replay(),
    async stop() {
      isStopped = true
      timer?.cancel()
      if (handle === undefined) return
      const gone = new Promise<void>(resolve => (onGone = resolve))
      handle.kill('SIGTERM')
      await gone
    }
  }
}
