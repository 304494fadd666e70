import type { Encoder } from './encoder.ts'
import type { Output, OutputEvents } from './output.ts'

/** What a destination is made of; made anew when its target changes. */
export interface DestinationParts {
  readonly encoder: Encoder
  readonly output: Output
}

export type MakeParts = (events: OutputEvents) => DestinationParts

/** What a destination becomes. */
export type NextParts = () => { readonly type: string; readonly makeParts: MakeParts }
