/** Our own code does not hold what it promises. Never caused by octets or configuration. */
export class InvariantBreach extends Error {
  readonly code = 'INVARIANT_BREACH'
}
