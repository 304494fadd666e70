import { SourceFacts } from '@weir/mediation'
import type { Source } from '@weir/link'

/**
 * What is known of one source of the link. Where options of another session hold for a source too, the collector has found
 * that out and repeats them under this source.
 */
export class SourceState extends SourceFacts {
  readonly source: Source

  constructor(source: Source) {
    super(source.v5Sampling)
    this.source = source
  }
}
