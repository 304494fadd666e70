import type { OptionsRecord } from '@weir/templates'
import type { Publisher } from '../recollection/publisher.ts'
import type { ScopeGroup } from './scope-group.ts'
import type { ScopeMember } from './scope-member.ts'

/**
 * Give the stores what was found of the source ports of an exporter's address, with the ports it holds for: another pod that
 * sees one of them, or this one after a restart, begins with it. Only what verified sessions say is given away (TH-22).
 *
 * @param optionsOf - what a port states and holds for others.
 * @returns false if there is nothing to be said yet.
 */
export function publishGroup(
  publisher: Publisher,
  group: ScopeGroup,
  optionsOf: (member: ScopeMember) => Iterable<OptionsRecord>,
  nowMs: number
): boolean {
  const { decision, evidence } = group
  if (decision !== 'merged' && decision !== 'apart') return false
  const verified = group.members.filter(({ domain }) => domain.session.isVerified)
  const concerned = verified.filter(
    member =>
      decision === 'apart' ||
      member.space.size > 1 ||
      member.givers.size > 0 ||
      verified.some(m => m.givers.has(member))
  )
  if (concerned.length < 2) return false
  publisher.putDecision(concerned[0].domain, decision, `${evidence} ${concerned.map(({ port }) => port).join(' ')}`)
  if (decision === 'apart') return true
  for (const member of concerned) {
    const templates = evidence === 'number_space' ? member.domain.table.entries() : []
    publisher.putForSiblings(member.domain, templates, optionsOf(member), nowMs)
  }
  return true
}
