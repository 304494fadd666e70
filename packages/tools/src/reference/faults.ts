import { dropReasons, faultEffectOf, faults, reasonOf } from '@weir/ipfix'
import type { DropReason, FaultCode } from '@weir/ipfix'
import { code, generatedHead, table } from './markdown.ts'

const costs = {
  message: 'the Message',
  template: 'the Template Record',
  set: 'the Set',
  nothing: 'nothing: noted'
} as const

/** What is counted under the reasons that no fault of the wire explains. A reason that is not here is not used (yet). */
const meanings: Partial<Record<DropReason, string>> = {
  unknown_template:
    'Data Sets for which no template can come any more: it was withdrawn or has expired, or their session ended while they waited; with `pendingMs: 0`, every Data Set that comes before its template',
  pending_evicted:
    'Data Sets that waited for their template and made room for newer ones (L-31, L-32, L-33), where the spool had none either',
  pending_expired:
    'Data Sets whose template did not come within `pendingMs` in memory (L-30), or `pendingKeepMs` in the spool (L-34)',
  session_limit: 'datagrams that could not open a session (L-02)',
  not_allowed: 'Messages from addresses that are not on `collector.allow`',
  penalty: 'datagrams from a source that had sent too many malformed ones (L-09)',
  timeout_partial: 'the Message that a TCP connection began and did not finish in time (L-07)',
  overload_hard: 'UDP records for which the link to the mediator had no room (L-56)',
  queue_oldest: "records dropped by a destination's queue with the policy drop-oldest (L-40)",
  queue_newest: "records dropped by a destination's queue with the policy drop-newest (L-40)",
  encode_too_big: 'records that fit no Message of their destination',
  encode_error: 'records that could not be written for their destination',
  shutdown: 'what was read and could not be handed on before the process had to end',
  drained: 'records that came for a destination while it was drained, or drained already',
  internal_error: 'a defect of Weir'
}

/** docs/reference/faults.md */
export function faultsPage(): string {
  const codes = Object.keys(faults) as FaultCode[]
  const rows = codes.map(each => [code(each), faults[each], costs[faultEffectOf(each)], code(reasonOf(each) ?? '')])
  const reasons = dropReasons.map(reason => [
    code(reason),
    meanings[reason] ?? '',
    codes
      .filter(each => reasonOf(each) === reason)
      .map(code)
      .join(', ')
  ])
  return `${generatedHead('Faults')}What exporters send can be wrong; nothing of it stops Weir. Each fault has a code, which is a label value of the metrics and
the name of a test. A Message is taken whole or not at all: what costs the Message leaves no record and no template of it.

${table(['code', 'what is wrong', 'what is lost', 'reason in the ledger'], rows)}
## Reasons in the ledger

Everything that is lost is counted under one of these; the list is closed.

${table(['reason', 'what is counted', 'faults that cause it'], reasons)}`
}
