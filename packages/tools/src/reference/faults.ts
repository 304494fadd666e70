import { dropReasons, faultEffectOf, faults, reasonOf } from '@weir/ipfix'
import type { FaultCode } from '@weir/ipfix'
import { code, generatedHead, table } from './markdown.ts'

const costs = {
  message: 'the Message',
  template: 'the Template Record',
  set: 'the Set',
  nothing: 'nothing: noted'
} as const

/** docs/reference/faults.md */
export function faultsPage(): string {
  const codes = Object.keys(faults) as FaultCode[]
  const rows = codes.map(each => [code(each), faults[each], costs[faultEffectOf(each)], code(reasonOf(each) ?? '')])
  const reasons = dropReasons.map(reason => [
    code(reason),
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

${table(['reason', 'faults that cause it'], reasons)}`
}
