import { REVERSE_PEN } from '@weir/ipfix'
import { findCandidate, makeField } from './normalisation.ts'
import type { Candidate, Normalisation } from './normalisation.ts'
import type { NormalField } from './normal-record.ts'
import { formsByPrecision, timeEdgeOf, timeElementId } from './time-form.ts'
import type { AbsoluteForm, TimeForm } from './time-form.ts'

interface Edge {
  readonly candidate: Candidate
  readonly form: TimeForm
  readonly isEnd: boolean
}

/**
 * Rule 2: the start and the end of a flow, forward and reverse, each in one form. Delta times are never copied: they
 * lean on the Export Time of a Message that ends here (RFC 7119 §3).
 */
export function normaliseTimes(step: Normalisation): void {
  const boot = findCandidate(step, 160)?.index ?? (step.options.isBootKnown ? 'context' : undefined)
  const edges = edgesOf(step)
  for (const edge of edges.filter(({ candidate }) => candidate.isScope)) {
    if (edge.form === 'delta') edge.candidate.output = converted(step, edge, deltaTarget(step), boot)
  }
  for (const pen of [0, REVERSE_PEN]) {
    for (const isEnd of [false, true]) {
      const group = edges.filter(
        ({ candidate, isEnd: itsEnd }) => itsEnd === isEnd && candidate.specifier.pen === pen && !candidate.isScope
      )
      if (step.options.timestamps === 'preserve') preserve(step, group, boot)
      else unify(step, group, step.options.timestamps, boot)
    }
  }
}

function edgesOf(step: Normalisation): Edge[] {
  const edges: Edge[] = []
  for (const candidate of step.candidates) {
    const { pen, id, length } = candidate.specifier
    const edge = timeEdgeOf(pen, id)
    if (edge !== undefined && candidate.isLegal && length > 0) edges.push({ candidate, ...edge })
  }
  return edges
}

const deltaTarget = (step: Normalisation): AbsoluteForm =>
  step.options.timestamps === 'preserve' ? 'microseconds' : step.options.timestamps

/** The most precise form becomes the target, the others go. A sysUpTime of unknown base is only kept if nothing else tells. */
function unify(
  step: Normalisation,
  group: readonly Edge[],
  to: AbsoluteForm,
  boot: number | 'context' | undefined
): void {
  const best = formsByPrecision.find(form => group.some(edge => edge.form === form))
  for (const edge of group) {
    if (edge.form !== best) edge.candidate.output = undefined
    else if (edge.form !== 'uptime' || boot !== undefined) edge.candidate.output = converted(step, edge, to, boot)
  }
}

/** Absolute forms stay; the others become the absolute form of their precision, unless the record has that already. */
function preserve(step: Normalisation, group: readonly Edge[], boot: number | 'context' | undefined): void {
  for (const edge of group) {
    if (edge.form !== 'delta' && (edge.form !== 'uptime' || boot === undefined)) continue
    const to = edge.form === 'delta' ? 'microseconds' : 'milliseconds'
    const isTold = group.some(other => other.form === to)
    edge.candidate.output = isTold ? undefined : converted(step, edge, to, boot)
  }
}

function converted(
  step: Normalisation,
  { candidate, form, isEnd }: Edge,
  to: AbsoluteForm,
  boot: number | 'context' | undefined
): NormalField {
  const { index, specifier } = candidate
  const value =
    form === to
      ? ({ from: 'field', index } as const)
      : ({ from: 'time', index, form, to, boot: form === 'uptime' ? boot : undefined } as const)
  return makeField(step.registry, timeElementId(to, isEnd), value, specifier.pen)
}
