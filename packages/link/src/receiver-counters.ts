/** What a receiver counts. */
export class ReceiverCounters {
  receivedBatches = 0
  settledBatches = 0
  redeliveredBatches = 0
  duplicateBatches = 0
  receivedRecords = 0
  settledRecords = 0
  redeliveredRecords = 0
  unsettledOctets = 0
  corruptFrames = 0
  foreignFrames = 0
  nacks = 0
  refused = 0
}
