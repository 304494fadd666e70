import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { errorMessage } from '@weir/runtime'
import type { Clock, Metrics } from '@weir/runtime'
import type { EventLog } from '../event-log.ts'
import { ledgerView } from '../ledger-view.ts'
import type { PipelineWatch } from '../pipeline/pipeline-watch.ts'
import { answerOrNull } from '../pod.ts'
import type { Pod } from '../pod.ts'
import type { CollectorState, MediatorState } from '../process-state.ts'
import type { ConfigBook } from '../revisions/config-book.ts'
import { osFacts } from './os-facts.ts'
import { Redaction } from './redaction.ts'
import { tarOf } from './tar.ts'
import type { TarFile } from './tar.ts'

export interface SupportBundleDeps {
  readonly book: ConfigBook
  readonly pod: Pod
  readonly events: EventLog
  readonly pipeline: PipelineWatch
  readonly metrics: Metrics
  readonly clock: Clock
  readonly version: string
}

/** Longest file in it, octets; what is longer is cut. */
const MAX_FILE_OCTETS = 8 * 1024 * 1024
/** Entries of long lists. */
const MAX_ENTRIES = 1_000
const MAX_REVISIONS = 100

const compress = promisify(gzip)

/**
 * All that helps to understand what a pod does, as one .tar.gz, without secrets: each part is asked for once, within the time-out of
 * the control channel, and what cannot be had is named in `manifest.json`.
 */
export async function supportBundle(deps: SupportBundleDeps): Promise<Buffer> {
  const { book, pod, events, pipeline, metrics, clock, version } = deps
  const redaction = new Redaction(book.document)
  const takenAtMs = clock.nowMs()
  const states = Promise.all([
    answerOrNull(pod.collector('collector.state')),
    answerOrNull(pod.mediator('mediator.state'))
  ])
  const parts: Readonly<Record<string, () => unknown>> = {
    'config.json': () => book.document,
    'revisions.json': async () => {
      // What is in force is known here even where the store of the fleet does not answer.
      const listed = book.revisions(0, MAX_REVISIONS)
      return { inForce: book.head, ...(await listed.catch(error => ({ items: null, error: errorMessage(error) }))) }
    },
    'ledger.json': async () => {
      const [collector, mediator] = await states
      const ledgerOf = (state: unknown): never => ((state as { ledger?: unknown } | null)?.ledger ?? null) as never
      return ledgerView(takenAtMs, ledgerOf(collector), ledgerOf(mediator))
    },
    'pipeline.json': () => pipeline.current(),
    'collector.json': async () => (await states)[0] as unknown as CollectorState,
    'mediator.json': async () => (await states)[1] as unknown as MediatorState,
    'exporters.json': () => pod.collector('collector.exporters', { limit: MAX_ENTRIES }),
    'templates.json': () => pod.collector('collector.templates', { limit: MAX_ENTRIES }),
    'events.json': () => events.events,
    'metrics/collector.txt': () => pod.collector('collector.metrics'),
    'metrics/mediator.txt': () => pod.mediator('mediator.metrics'),
    'metrics/coordinator.txt': () => metrics.text(),
    'os.json': () => osFacts()
  }
  const made = await Promise.all(
    Object.entries(parts).map(async ([name, read]) => {
      try {
        return { ...fileOf(name, redaction, await read()), error: null }
      } catch (error) {
        return { file: undefined, isCut: false, name, error: redaction.text(errorMessage(error)) }
      }
    })
  )
  const manifest = {
    format: 1,
    takenAtMs,
    version,
    unready: await pod.unready(),
    files: made.map(({ name, file, isCut, error }) => ({ name, octets: file?.content.length ?? 0, isCut, error }))
  }
  const files = made.flatMap(({ file }) => file ?? [])
  return compress(tarOf([fileOf('manifest.json', redaction, manifest).file, ...files], takenAtMs))
}

function fileOf(
  name: string,
  redaction: Redaction,
  value: unknown
): { readonly name: string; readonly file: TarFile; readonly isCut: boolean } {
  const text = typeof value === 'string' ? redaction.text(value) : JSON.stringify(redaction.json(value), undefined, 1)
  const octets = Buffer.from(text)
  const isCut = octets.length > MAX_FILE_OCTETS
  return { name, file: { name: `weir-support/${name}`, content: octets.subarray(0, MAX_FILE_OCTETS) }, isCut }
}
