import { isLegalLength } from '@weir/ipfix'
import type { ElementRegistry, Layout } from '@weir/ipfix'
import { findCandidate, makeField } from './normalisation.ts'
import type { Candidate, Normalisation } from './normalisation.ts'
import type { NormalValue } from './normal-record.ts'

/**
 * Rule 4: how the packets of a record were sampled, as samplingPacketInterval (305) and samplingPacketSpace (306).
 * Deprecated elements are read and not written (RFC 7013 §5.3).
 */
export function normaliseSampling(step: Normalisation): void {
  const rate = findCandidate(step, 34) ?? findCandidate(step, 50)
  const sampler = findCandidate(step, 302) ?? findCandidate(step, 48)
  const isExact = findCandidate(step, 305) !== undefined || findCandidate(step, 306) !== undefined
  const isOptions = step.layout.scopeCount > 0
  const algorithm = findCandidate(step, 49) ?? findCandidate(step, 35)
  const hasSelector = findCandidate(step, 302) !== undefined
  const hasAlgorithm = findCandidate(step, 304) !== undefined
  for (const candidate of step.candidates) {
    if (!isSamplingOf(candidate)) continue
    const { index, specifier, isScope } = candidate
    if (specifier.id === 48) {
      candidate.output = hasSelector && !isScope ? undefined : selectorOf(step, candidate)
    } else if (!isScope) {
      const isMapped = isOptions && candidate === algorithm && !hasAlgorithm
      candidate.output = isMapped ? makeField(step.registry, 304, { from: 'selectorAlgorithm', index }) : undefined
    }
  }
  if (isExact) return
  if (!isOptions) {
    const ifIndex = step.options.hasInterfaceRates ? interfaceOf(step.layout, step.registry) : undefined
    append(step, { from: 'samplingPair', rate: rate?.index, sampler: sampler?.index, ifIndex, isFallback: true })
  } else if (rate !== undefined && !rate.isScope) {
    append(step, { from: 'samplingPair', rate: rate.index, isFallback: false })
  }
}

/** What tells the rate of a record nearer than its interface does. */
const nearer = [34, 48, 50, 302, 305, 306]

/**
 * The field whose interface tells the rate of a record that names neither rate nor sampler: ingressInterface (10), else
 * egressInterface (14).
 *
 * @returns its index in the Layout, or undefined: no interface can tell the rate.
 */
export function interfaceOf({ fields, scopeCount }: Layout, registry: ElementRegistry): number | undefined {
  const indexOf = (wanted: number): number =>
    fields.findIndex(({ pen, id, length }) => {
      const type = registry.get(pen, id)?.type
      return pen === 0 && id === wanted && length > 0 && type !== undefined && isLegalLength(type, length)
    })
  if (scopeCount > 0 || nearer.some(id => indexOf(id) >= 0)) return undefined
  const ingress = indexOf(10)
  const index = ingress >= 0 ? ingress : indexOf(14)
  return index < 0 ? undefined : index
}

const deprecated = new Set([34, 35, 48, 49, 50])

const isSamplingOf = ({ specifier, isLegal }: Candidate): boolean =>
  specifier.pen === 0 && deprecated.has(specifier.id) && specifier.length > 0 && isLegal

const selectorOf = (step: Normalisation, { index, specifier }: Candidate) =>
  makeField(step.registry, 302, { from: specifier.length === 8 ? 'field' : 'expand', index })

function append(step: Normalisation, value: NormalValue): void {
  step.appended.push({ ...makeField(step.registry, 305, value), length: 8 })
}
