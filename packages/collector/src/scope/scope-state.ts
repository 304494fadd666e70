import type { Clock } from '@weir/runtime'
import type { Domain } from '../domain.ts'
import type { Exporter } from '../exporter.ts'
import { ScopeGroup, type ScopeDecision } from './scope-group.ts'

/** The most telling first. */
const order: readonly ScopeDecision[] = ['apart', 'merged', 'undecided', 'single']

/** One word for an exporter in a list; `single` also where no policy looks at its ports. */
export function scopeDecisionOf(exporter: Exporter): ScopeDecision {
  let found: ScopeDecision = 'single'
  for (const known of exporter.scopes?.values() ?? []) {
    if (known instanceof ScopeGroup && order.indexOf(known.decision) < order.indexOf(found)) found = known.decision
  }
  return found
}

/** What the source ports of an exporter are taken for under policy `auto`, by listener, version and Observation Domain. */
export const scopesToJson = (exporter: Exporter, clock: Clock) =>
  [...(exporter.scopes?.values() ?? [])].map(known =>
    known instanceof ScopeGroup ? groupToJson(known, clock) : onePortToJson(known, clock)
  )

function groupToJson(group: ScopeGroup, clock: Clock) {
  const { listener, version, odid, decision, evidence, sinceMs } = group
  return {
    listener,
    version,
    odid,
    decision,
    evidence,
    sinceAtMs: sinceMs,
    ports: group.members.map(({ domain, givers, space }) => ({
      ...portToJson(domain, clock),
      templatesFrom: [...space].map(({ port }) => port).filter(port => port !== domain.session.identity.port),
      optionsFrom: [...givers].map(({ port }) => port)
    }))
  }
}

function onePortToJson(domain: Domain, clock: Clock): ReturnType<typeof groupToJson> {
  const { identity, openedAtMs } = domain.session
  return {
    listener: identity.listener,
    version: identity.version,
    odid: domain.odid,
    decision: 'single',
    evidence: 'one_port',
    sinceAtMs: openedAtMs,
    ports: [{ ...portToJson(domain, clock), templatesFrom: [], optionsFrom: [] }]
  }
}

const portToJson = ({ session }: Domain, clock: Clock) => ({
  port: session.identity.port,
  lastSeenAtMs: Math.round(session.lastSeenMs + clock.nowMs() - clock.monotonicMs())
})
