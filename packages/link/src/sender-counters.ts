/** What a sender counts beside its window. */
export class SenderCounters {
  admittedRecords = 0
  settledRecords = 0
  redeliveredRecords = 0
  sealedBatches = 0
  settledBatches = 0
  redeliveredBatches = 0
  resentBatches = 0
  reconnects = 0
  peerRestarts = 0
  refusedAppends = 0
  corruptFrames = 0
  foreignFrames = 0
  nacks = 0
}
