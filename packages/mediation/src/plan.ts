import type { Filter } from './filter/filter.ts'

/** Which time elements a destination gets. `preserve`: absolute forms stay as the exporter wrote them. */
export type Timestamps = 'milliseconds' | 'nanoseconds' | 'preserve'

/** An element that a Plan names. */
export interface PlanField {
  readonly pen: number
  readonly id: number
}

/** What an IPFIX destination wants: normalised records (README, "Normalised IPFIX"). */
export interface IpfixPlan {
  readonly kind: 'ipfix'
  readonly timestamps: Timestamps
  /** Append 403|404, 405 and 258: who exported the record, in which domain, when it was collected. */
  readonly lineage: boolean
  /** Append samplingPacketInterval and samplingPacketSpace; deprecated sampling elements are mapped or left out. */
  readonly sampling: boolean
  /** Data Records that do not match are read and not written; undefined = all match. Options records are not asked. */
  readonly filter?: Filter | undefined
  /** Elements of the normalised Data Record that are wanted, besides what the Plan adds; undefined = all. */
  readonly fields?: readonly PlanField[] | undefined
}

/** What a JSON lines destination wants: the same normalised records as text (README, "A JSON record"). */
export interface JsonPlan {
  readonly kind: 'json'
  /**
   * 64-bit integers as JSON numbers with all their digits (a reader that keeps doubles rounds them above 2^53), or as
   * strings of the same digits.
   */
  readonly numbers64: 'number' | 'string'
  /** Write `exporter`, `odid` and `receivedAt`. */
  readonly lineage: boolean
  /** Write `samplingRate` and `samplingOrigin`; deprecated sampling elements are mapped or left out. */
  readonly sampling: boolean
  /** Default `milliseconds`. */
  readonly timestamps?: Timestamps
  /** As in {@link IpfixPlan}. */
  readonly filter?: Filter | undefined
  /** As in {@link IpfixPlan}. */
  readonly fields?: readonly PlanField[] | undefined
}

export type Plan = IpfixPlan | JsonPlan

/** Content key of a Plan: equal for Plans that ask for the same, in every process and run. */
export function planKey(plan: Plan): string {
  const flags = `${plan.timestamps ?? 'milliseconds'},${plan.lineage ? 'lineage' : ''},${plan.sampling ? 'sampling' : ''}`
  const fields = plan.fields === undefined ? '' : `,[${plan.fields.map(({ pen, id }) => `${pen}.${id}`).join()}]`
  const parts = fields + (plan.filter === undefined ? '' : `,${plan.filter.key}`)
  return plan.kind === 'ipfix' ? `ipfix,${flags}${parts}` : `json,${flags},${plan.numbers64}${parts}`
}

const timestampForms: readonly Timestamps[] = ['milliseconds', 'nanoseconds', 'preserve']

/** An IPFIX Plan as a small integer, for generated code. */
export function planNumber({ timestamps, lineage, sampling }: IpfixPlan): number {
  return timestampForms.indexOf(timestamps) + (lineage ? 4 : 0) + (sampling ? 8 : 0)
}

/** The Plan of a {@link planNumber}. */
export function planOfNumber(number: number): IpfixPlan {
  const timestamps = timestampForms[number & 3] ?? 'milliseconds'
  return { kind: 'ipfix', timestamps, lineage: (number & 4) !== 0, sampling: (number & 8) !== 0 }
}
