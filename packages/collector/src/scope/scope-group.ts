import type { Exporter } from '../exporter.ts'
import type { ScopeMember } from './scope-member.ts'

/** What the source ports of one (listener, version, address, Observation Domain) are taken for. */
export type ScopeDecision =
  /** One port, or one that is left. */
  | 'single'
  /** Several, and nothing shows whether they are one exporter: each decodes by what it announced itself. */
  | 'undecided'
  /** One exporter. */
  | 'merged'
  /** Several exporters. */
  | 'apart'

/** What a decision rests on. */
export type ScopeEvidence =
  | 'one_port'
  /** The other ports fell silent: the exporter has restarted with another port. */
  | 'superseded'
  | 'none'
  /** The ports count in one number space: templates and options state of each hold for all. */
  | 'number_space'
  /** One port sends nothing but options, the others no options: the options state holds for all. */
  | 'options_port'
  /** The ports announce equal definitions: nothing needs to be shared, and two exporters of one model do the same. */
  | 'equal_definitions'
  /** Two ports that both go on give one template id different definitions. */
  | 'template_conflict'
  /** Two ports that both go on make different statements of one thing. */
  | 'options_conflict'

/** The source ports of one (listener, version, address, Observation Domain) under the policy `auto`; two or more. */
export class ScopeGroup {
  readonly key: string
  readonly exporter: Exporter
  readonly listener: string
  readonly version: number
  readonly odid: number
  readonly members: ScopeMember[] = []
  decision: ScopeDecision = 'single'
  evidence: ScopeEvidence = 'one_port'
  /** Wall clock. */
  sinceMs: number
  /** What another pod found: several exporters are behind this address. */
  isKnownApart = false
  /** Messages so far; orders those of different ports. */
  ordinal = 0
  /** Something was learned since the last review. */
  isDirty = false
  /** When its decision was last given to the stores, monotonic. */
  publishedMs = -Infinity
  /** Silence is looked for again then, monotonic. */
  reviewAtMs = 0

  constructor(key: string, exporter: Exporter, listener: string, version: number, odid: number, sinceMs: number) {
    this.key = key
    this.exporter = exporter
    this.listener = listener
    this.version = version
    this.odid = odid
    this.sinceMs = sinceMs
  }

  get ports(): number[] {
    return this.members.map(({ port }) => port)
  }
}
