import type { Layout } from '@weir/ipfix'
import type { EntryContext } from '@weir/mediation'
import type { FlowDomain } from './flow-domain.ts'

/** What is constant over a run: what Programs ask for, and who exported it. One object, reused. */
export interface FlowContext extends EntryContext {
  /** Text of the exporter's address; '' where the input does not say (files of Messages). */
  exporter: string
  exporterPort: number
  /** What sent it. */
  domain: FlowDomain
}

/** Data Records that stand one after the other in octets. One object, reused: copy what is kept. */
export interface FlowRun {
  /** As the exporter wrote them: v5 and v9 are not rewritten. Of options if `scopeCount` is above 0. */
  layout: Layout
  templateId: number
  octets: Uint8Array
  /** Over the same octets. */
  view: DataView
  /** Where the first record begins. */
  offset: number
  /** Where the last one ends. */
  endOffset: number
  records: number
  /** The same object for every run. */
  context: FlowContext
}
