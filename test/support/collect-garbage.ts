import { once } from 'node:events'
import type { Child } from './child.ts'
import { until } from './until.ts'

/** For the environment of a process whose garbage is to be collected from outside: its debugger takes any free port. */
export const collectableEnvironment = { NODE_OPTIONS: '--inspect-port=127.0.0.1:0' }

/** By pid: a debugger says only once where it listens. */
const debuggers = new Map<number, string>()

/**
 * Make another Node process collect its garbage and give memory back, by its debugger: what is left then is what it holds.
 *
 * @param child - whose standard error has what the process says.
 * @param pid - the process, started with {@link collectableEnvironment}.
 */
export async function collectGarbageOf(child: Child, pid: number): Promise<void> {
  const before = child.stderr.length
  let url = debuggers.get(pid)
  if (url === undefined) {
    process.kill(pid, 'SIGUSR1')
    url = await until(
      `the debugger of ${pid} listens`,
      () => /Debugger listening on (ws:\/\/[\w.:/-]+)/.exec(child.stderr.slice(before))?.[1]
    )
    debuggers.set(pid, url)
  }
  const socket = new WebSocket(url)
  await once(socket, 'open')
  const answered = once(socket, 'message')
  socket.send(JSON.stringify({ id: 1, method: 'HeapProfiler.collectGarbage' }))
  await answered
  const closed = once(socket, 'close')
  socket.close()
  await closed
}
