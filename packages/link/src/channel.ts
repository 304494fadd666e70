/** What a connecting channel tells its owner. A frame that is handed over belongs to the owner, which may detach its buffer. */
export interface ChannelEvents {
  /** The peer's socket answers (not yet: that it is the right peer). */
  onConnect(): void
  onDisconnect(): void
  onFrame(frame: Uint8Array): void
}

/** The connecting end of a path for whole frames in order. May lose what was sent when a connection breaks, and nothing else. */
export interface Channel {
  /**
   * Queue a frame by reference: its octets must not change until the receiver is known to have it and it was sent exactly once.
   * Ignored while disconnected.
   */
  send(frame: Uint8Array): void
  /** Drop the connection and what is queued, and connect anew. */
  reconnect(): void
  close(): void
}

/** Makes a channel that connects, and connects again, by itself until closed. */
export type ChannelConnector = (endpoint: string, events: ChannelEvents, options: ChannelOptions) => Channel

/** Names one connection of a bound channel; equal strings name the same connection. */
export type ChannelPeer = string

/** As {@link ChannelEvents}: the frames are the owner's from then on. */
export interface BoundChannelEvents {
  onFrame(peer: ChannelPeer, frame: Uint8Array): void
}

/** The binding end: many connections. */
export interface BoundChannel {
  /** As {@link Channel.send}; ignored if the peer is gone. */
  send(peer: ChannelPeer, frame: Uint8Array): void
  close(): Promise<void>
}

/** Binds an endpoint; rejects if it cannot. */
export type ChannelBinder = (
  endpoint: string,
  events: BoundChannelEvents,
  options: ChannelOptions
) => Promise<BoundChannel>

export interface ChannelOptions {
  heartbeatMs: number
  heartbeatTimeoutMs: number
  maxFrameOctets: number
}
