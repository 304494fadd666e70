import { naturalLength } from '@weir/ipfix'
import type { ElementRegistry, FieldSpecifier, InformationElement, Layout } from '@weir/ipfix'
import { InvariantBreach } from './invariant-breach.ts'
import type { NormalField, NormalValue } from './normal-record.ts'
import type { Timestamps } from './plan.ts'

/** What a Plan and the variant of a context ask of the normalisation. */
export interface NormaliseOptions {
  readonly timestamps: Timestamps
  readonly lineage: boolean
  readonly sampling: boolean
  /** The exporter's address is IPv6. */
  readonly isIPv6: boolean
  /** The context knows when sysUpTime was 0. */
  readonly isBootKnown: boolean
  /** The context knows sampling rates of interfaces. */
  readonly hasInterfaceRates: boolean
  /** 9 for NetFlow v9, whose vendor types have names and types of their own; else 10. */
  readonly wireVersion: number
}

/** A field of the input Layout on its way to the output. Steps replace, drop or keep it. */
export interface Candidate {
  readonly index: number
  readonly isScope: boolean
  readonly specifier: FieldSpecifier
  readonly element: InformationElement | undefined
  readonly isLegal: boolean
  /** The output's field; undefined once it is dropped. */
  output: NormalField | undefined
}

/** What a step of the normalisation works on. */
export interface Normalisation {
  readonly layout: Layout
  readonly options: NormaliseOptions
  readonly registry: ElementRegistry
  readonly candidates: readonly Candidate[]
  /** Fields that no input field stands for. */
  readonly appended: NormalField[]
  readonly appendedScope: NormalField[]
}

/** A field of an IANA element at its natural length. */
export function makeField(registry: ElementRegistry, id: number, value: NormalValue, pen = 0): NormalField {
  const element = registry.get(pen, id)
  if (element === undefined) throw new InvariantBreach(`element ${pen}/${id} is missing from the registry`)
  return { pen, id, length: naturalLength(element.type), element, value, isLegal: true }
}

/** The first field of an IANA element that has a value of a legal length; in the scope or not. */
export function findCandidate(step: Normalisation, id: number): Candidate | undefined {
  return step.candidates.find(
    ({ specifier, isLegal }) => specifier.pen === 0 && specifier.id === id && specifier.length > 0 && isLegal
  )
}
