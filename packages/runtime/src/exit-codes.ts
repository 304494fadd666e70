/** Exit codes of every Weir process (sysexits.h where it has a word for it). */
export const exitCodes = {
  /** Done, or stopped in order. */
  ok: 0,
  /** The work was done and found something wrong (`weir receive --verify`, checks). */
  failed: 1,
  /** The command line is wrong. */
  usage: 64,
  /** The input is not what it should be. */
  badInput: 65,
  /** The input cannot be read. */
  noInput: 66,
  /** Something that is needed is not there or busy: a port, a peer. */
  unavailable: 69,
  /** A defect of Weir. */
  internal: 70,
  /** A file or socket failed while it was used. */
  inputOutput: 74,
  /** The configuration is wrong. */
  config: 78
} as const
