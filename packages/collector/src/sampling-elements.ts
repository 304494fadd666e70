/** Elements that say something of sampling, and what it is said of. */
export const Elements = {
  octetDeltaCount: 1,
  packetDeltaCount: 2,
  /**
   * Each tells a rate, alone or with another: samplingInterval, samplerRandomInterval, samplingPacketInterval and its space,
   * samplingSize, samplingPopulation, samplingProbability, those by time, flowSamplingTimeInterval.
   */
  rates: new Set([34, 50, 305, 306, 307, 308, 309, 310, 311, 396, 397, 398])
} as const
