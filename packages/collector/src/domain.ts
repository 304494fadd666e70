import type { Layout, TemplateTable } from '@weir/ipfix'
import type { Source } from '@weir/link'
import { DomainSequence } from './domain-sequence.ts'
import type { FewMap } from './few-map.ts'
import type { ScopeMember } from './scope/scope-member.ts'
import type { RelayDomain } from './relay/relayed-exporter.ts'
import type { Remembered } from './recollection/remembered.ts'
import type { Quarantined } from './quarantine.ts'
import type { Suspicion } from './restart-guard.ts'
import type { Session } from './session.ts'

/** What is known of a template beyond its table's entry. */
export interface Said {
  /** When it was last given to the stores, monotonic. */
  writtenMs: number
  /** Of the Message that announced it last, to whatever pod. */
  exportTimeSec: number
}

/** One Observation Domain (v9: Source ID) of one session: its templates, sequence numbers and name on the link. */
export class Domain {
  readonly session: Session
  readonly odid: number
  readonly table: TemplateTable
  readonly sequence = new DomainSequence()
  /** Defined with the first Data Set. */
  source: Source | undefined
  /** The context last announced, 0 if none; it is of the table's generation `contextGeneration`. */
  contextId = 0
  contextGeneration = -1
  /** Records of the versions that have no templates (1, 5, 7). */
  fixedLayout: Layout | undefined
  fixedRecords = 0
  /**
   * Ids whose template was withdrawn or expired: their data is dropped at once. Other unknown ids may just be waiting for
   * a template that is on its way.
   */
  ended: Set<number> | undefined
  /** Ids of which older Data Sets are on their way from the spool: newer ones wait for them. */
  draining: Set<number> | undefined
  /** Its exporter seems to have begun anew, not long ago. */
  suspicion: Suspicion | undefined
  /** Suspicions that proved false. */
  falseSuspicions = 0
  /** When it began anew, wall clock: what came before is of other templates. */
  epochAtMs = -Infinity
  /** Templates in doubt, of which data came. */
  quarantined: Map<number, Quarantined> | undefined
  lastExportTimeSec = 0
  /** A Message of it was valid; until then it may be undone. */
  hasSpoken = false
  /** What stores remembered of it, until it has spoken and the shared one has been asked. */
  remembered: Remembered | undefined
  /** The stores may have entries of it. */
  isStored = false
  /** Its part in the group of its exporter's source ports; undefined while the exporter uses one (policy `auto`). */
  member: ScopeMember | undefined
  /** For whom its sender relays, if the policy says that it does. */
  relay: RelayDomain | undefined
  /** It has something that only a store said. */
  isRestored = false
  /** Whether the shared store has been asked for it; `known`: and has answered, at `recalledMs` (monotonic). */
  recall: 'none' | 'asked' | 'known' = 'none'
  recalledMs = 0
  /** When what it knows was last put into the shared store in place of what was not believed (monotonic). */
  healedMs = Number.NEGATIVE_INFINITY
  /** What was asked for was changed meanwhile. */
  mustRecall = false
  /** The places under which pushes of the shared store find it. */
  watched: readonly string[] | undefined
  /** What each template is worth beside what stores say; of templates that were written or restored. */
  said: FewMap<number, Said> | undefined
  /** Export Time when a template ended last: what was said before is over. */
  endedSec = 0
  /** The next sequence number as stores have it, or -1. */
  storedSequence = -1
  /** When all of it was last kept as that of the exporter's last TCP session, monotonic. */
  keptMs = -Infinity
  isEnded = false

  constructor(session: Session, odid: number, table: TemplateTable) {
    this.session = session
    this.odid = odid
    this.table = table
  }
}
