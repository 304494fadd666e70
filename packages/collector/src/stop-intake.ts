import { delay, type Clock } from '@weir/runtime'
import type { TcpListener } from './tcp-listener.ts'
import type { UdpListener } from './udp-listener.ts'

export interface StopIntakeOptions {
  readonly udp: readonly { readonly listener: UdpListener }[]
  readonly tcp: readonly TcpListener[]
  readonly clock: Clock
  /** Longest time that open connections are still read. */
  readonly tcpReadMs: number
  /** UDP is read until it has been silent for so long. */
  readonly udpSilenceMs: number
}

/** UDP may never be silent. */
const UDP_MOST_MS = 5_000
/** A connection on which nothing came for so long has nothing on its way. */
const TCP_SILENCE_MS = 1_000
const LOOK_MS = 50

/** Stop accepting, read what is on its way, close: RFC 7011 §10.4.4 and L-90. Resolves when all sockets are closed. */
export async function stopIntake(options: StopIntakeOptions): Promise<void> {
  for (const listener of options.tcp) listener.stopAccepting()
  await Promise.all([stopUdp(options), stopTcp(options)])
}

async function stopUdp({ udp, clock, udpSilenceMs }: StopIntakeOptions): Promise<void> {
  if (udp.length === 0) return
  const arrivals = (): number => udp.reduce((sum, { listener }) => sum + listener.arrivals, 0)
  await quiet(clock, arrivals, udpSilenceMs, UDP_MOST_MS, () => false)
  await Promise.all(udp.map(({ listener }) => listener.stop()))
}

async function stopTcp({ tcp, clock, tcpReadMs }: StopIntakeOptions): Promise<void> {
  const arrivals = (): number => tcp.reduce((sum, listener) => sum + listener.arrivals, 0)
  const isDone = (): boolean => tcp.every(listener => listener.connections.size + listener.lobby.strangers.size === 0)
  const silenceMs = Math.min(TCP_SILENCE_MS, tcpReadMs)
  // While the link holds back, silence is ours and not the peers'.
  const isHeld = (): boolean => tcp.some(listener => listener.isBlocked)
  await quiet(clock, arrivals, silenceMs, tcpReadMs, isDone, isHeld)
  for (const listener of tcp) listener.closeAll()
}

/** Ask the peers of one listener to end, read what they have sent, close. Resolves when all its connections are closed. */
export async function finishTcp(listener: TcpListener, clock: Clock, mostMs: number): Promise<void> {
  listener.askToEnd()
  const isDone = (): boolean => listener.connections.size === 0
  const silenceMs = Math.min(TCP_SILENCE_MS, mostMs)
  await quiet(
    clock,
    () => listener.arrivals,
    silenceMs,
    mostMs,
    isDone,
    () => listener.isBlocked
  )
  listener.closeAll()
}

/** Resolves when `count` has stood still for `silenceMs`, when `isDone`, or after `mostMs`. */
async function quiet(
  clock: Clock,
  count: () => number,
  silenceMs: number,
  mostMs: number,
  isDone: () => boolean,
  isHeld: () => boolean = () => false
): Promise<void> {
  const startMs = clock.monotonicMs()
  let changedMs = startMs
  let last = count()
  while (!isDone()) {
    const nowMs = clock.monotonicMs()
    if (count() !== last || isHeld()) changedMs = nowMs
    last = count()
    if (nowMs - changedMs >= silenceMs || nowMs - startMs >= mostMs) return
    await delay(clock, Math.min(LOOK_MS, silenceMs))
  }
}
