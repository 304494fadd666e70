import type { ChannelConnector, ChannelBinder } from './channel.ts'
import type { LinkClock } from './link-clock.ts'

/** What the two ends of the data channel are given; all have defaults. */
export interface LinkDeps {
  /** Monotonic clock and timers; default: the process's. */
  clock?: LinkClock
  /** Sender: how to connect; default zeromq. */
  connect?: ChannelConnector
  /** Receiver: how to bind; default zeromq. */
  bind?: ChannelBinder
}
