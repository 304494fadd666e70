import { REVERSE_PEN, VARIABLE_LENGTH, isLegalLength, isReversible, naturalLength } from '@weir/ipfix'
import type { ElementRegistry, FieldSpecifier, Layout } from '@weir/ipfix'
import { compareElements } from './canonical-order.ts'
import type { NormalField, NormalRecord } from './normal-record.ts'
import { findCandidate, makeField } from './normalisation.ts'
import type { Candidate, Normalisation, NormaliseOptions } from './normalisation.ts'
import { normaliseSampling } from './normalise-sampling.ts'
import { normaliseTimes } from './normalise-times.ts'

/**
 * What a record of this Layout becomes: each output field and where its value comes from. Pure; no octets are read.
 *
 * Rules by number are those of the README, "Normalised IPFIX".
 */
export function normalise(layout: Layout, options: NormaliseOptions, registry: ElementRegistry): NormalRecord {
  const candidates = layout.fields.map((specifier, index) => candidateOf(layout, specifier, index, options, registry))
  const step: Normalisation = { layout, options, registry, candidates, appended: [], appendedScope: [] }
  normaliseTimes(step)
  if (options.sampling) normaliseSampling(step)
  if (options.lineage) appendLineage(step)
  const scope = [...outputsOf(candidates, true), ...step.appendedScope]
  // An options record without a scope would be a data record; what is not legal is left out of IPFIX. The System scope of
  // NetFlow v9 may have no octets: it speaks of the exporter.
  if (layout.scopeCount > 0 && !scope.some(field => field.isLegal)) {
    scope.push(makeField(registry, options.isIPv6 ? 131 : 130, { from: 'exporterAddress' }))
  }
  const fields = [...outputsOf(candidates, false), ...step.appended].toSorted(compareElements)
  return { scope, fields }
}

const outputsOf = (candidates: readonly Candidate[], isScope: boolean): NormalField[] =>
  candidates.flatMap(({ output, isScope: itsScope }) => (output !== undefined && itsScope === isScope ? [output] : []))

function candidateOf(
  layout: Layout,
  specifier: FieldSpecifier,
  index: number,
  options: NormaliseOptions,
  registry: ElementRegistry
): Candidate {
  const { pen, id, length } = specifier
  const element = registry.get(pen, id, options.wireVersion)
  const isLegal = element === undefined || isLegalLength(element.type, length)
  const isScope = index < layout.scopeCount
  const natural = element === undefined ? VARIABLE_LENGTH : naturalLength(element.type)
  const hasNoValue = length === 0 && natural !== VARIABLE_LENGTH
  // RFC 5103 §6.1: the reverse of what has no reverse MUST NOT be exported.
  const isForbidden = pen === REVERSE_PEN && !isReversible(id)
  const isPadding = pen === 0 && id === 210
  const isExpanded = isLegal && length > 0 && length < natural && natural !== VARIABLE_LENGTH
  const output: NormalField | undefined =
    isPadding || isForbidden || hasNoValue
      ? undefined
      : isExpanded
        ? { pen, id, length: natural, element, value: { from: 'expand', index }, isLegal }
        : { pen, id, length, element, value: { from: isFlags(specifier) ? 'tcpControlBits' : 'field', index }, isLegal }
  return { index, isScope, specifier, element, isLegal, output }
}

const isFlags = ({ pen, id, length }: FieldSpecifier): boolean =>
  id === 6 && length === 2 && (pen === 0 || pen === REVERSE_PEN)

// RFC 7119 §5, §6: what a previous mediator said wins, and is said once.
function appendLineage(step: Normalisation): void {
  const { registry, layout } = step
  const isIncoming = (id: number): boolean => findCandidate(step, id) !== undefined
  const origin: NormalField[] = []
  if (!isIncoming(403) && !isIncoming(404)) {
    origin.push(makeField(registry, step.options.isIPv6 ? 404 : 403, { from: 'exporterAddress' }))
  }
  if (!isIncoming(405)) origin.push(makeField(registry, 405, { from: 'odid' }))
  // An options record speaks of things of one exporter: whose they are is part of its scope.
  if (layout.scopeCount > 0) step.appendedScope.push(...origin)
  else step.appended.push(...origin)
  if (!isIncoming(258)) step.appended.push(makeField(registry, 258, { from: 'receivedAt' }))
}
