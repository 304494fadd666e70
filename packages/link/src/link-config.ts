/** What both ends of the data channel agree on or bound themselves by. Every key has a default; see {@link linkDefaults}. */
export interface LinkConfig {
  /** Octets of one batch frame, header included; a batch is sent when the next entry would not fit. 65,664 at least. */
  batchOctets: number
  /** Longest time an entry waits in an open batch while the peer can take it. */
  batchAgeMs: number
  /** Batches that may be at the receiver holding credit (L-55). */
  windowBatches: number
  /** Octets of unsettled batches that the sender keeps (L-56). */
  bufferOctets: number
  /** Interval of heartbeats (L-53). */
  heartbeatMs: number
  /** Silence after which the peer is treated as down (L-53). */
  heartbeatTimeoutMs: number
  /** Largest frame accepted from the peer (L-51). */
  maxFrameOctets: number
}

/** Defaults of {@link LinkConfig}. */
export const linkDefaults: Readonly<LinkConfig> = Object.freeze({
  batchOctets: 262_144,
  batchAgeMs: 20,
  windowBatches: 64,
  bufferOctets: 134_217_728,
  heartbeatMs: 1000,
  heartbeatTimeoutMs: 3000,
  maxFrameOctets: 1_048_576
})

/** Where the mediator of this number takes batches: `ipc://<runDir>/mediator-<n>.data`. */
export const dataEndpoint = (runDir: string, mediator: number): string => `ipc://${runDir}/mediator-${mediator}.data`

/** Where the coordinator serves the control channel: `ipc://<runDir>/control`. */
export const controlEndpoint = (runDir: string): string => `ipc://${runDir}/control`
