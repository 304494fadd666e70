import type { Clock } from '@weir/runtime'
import type { ChannelBinder, ChannelConnector } from './channel.ts'

/** What the two ends of the data channel are given; all have defaults. */
export interface LinkDeps {
  /** Timers and monotonic time; default: the machine's. */
  clock?: Clock
  /** Calls after the callbacks of this event-loop turn; default `setImmediate`. */
  soon?: (callback: () => void) => void
  /** Sender: how to connect; default zeromq. */
  connect?: ChannelConnector
  /** Receiver: how to bind; default zeromq. */
  bind?: ChannelBinder
}
