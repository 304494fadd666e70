import { HttpProblem, notFound } from '@weir/http'
import {
  exporterAddress,
  exporterOverrideIssues,
  exporterOverrideKeys,
  hashOf,
  MAX_EXPORTER_OVERRIDES,
  overridesOf,
  withOverrides
} from '@weir/config'
import type { ExporterOverride, ExporterOverrides } from '@weir/config'
import type { ConfigBook } from './revisions/config-book.ts'

/** What is said of single exporters in the document in force, one by one: each change is a revision of the whole document. */
export class PolicyBook {
  readonly #book: ConfigBook

  constructor(book: ConfigBook) {
    this.#book = book
  }

  /** What was said of one exporter. @throws HttpProblem 404 if the id is no address */
  get(id: string): ExporterOverride {
    return overridesOf(this.#book.document)[addressOf(id)] ?? {}
  }

  /** Identity of what was said of it, for ETag and If-Match. */
  etagOf(id: string): string {
    return `"${hashOf(this.get(id)).slice(0, 16)}"`
  }

  /**
   * Change what is said of one exporter. It need not be there now.
   *
   * @param patch - a merge patch (RFC 7396) of `scope`, `resumeTemplates`, `silentMs` and `skewMs`; null = as the configuration says.
   * @param ifMatch - the ETag that the caller has seen, or undefined.
   */
  async patch(id: string, patch: unknown, ifMatch: string | undefined): Promise<ExporterOverride> {
    const address = addressOf(id)
    const note = { author: 'api', reason: `what is said of exporter ${address} was changed` }
    await this.#book.change(note, document => {
      if (ifMatch !== undefined && ifMatch !== '*' && ifMatch !== this.etagOf(id)) {
        throw new HttpProblem(
          412,
          'CHANGED_MEANWHILE',
          `What is said of ${id} has changed since you read it; read it again.`
        )
      }
      const merged = Object.entries({ ...this.get(id), ...objectOf(patch) }).filter(([, value]) => value !== null)
      const override = Object.fromEntries(merged) as ExporterOverride
      const [issue, ...more] = exporterOverrideIssues(override)
      if (issue !== undefined) {
        throw new HttpProblem(422, 'EXPORTER_POLICY_INVALID', `${issue.path} ${issue.message}.`, [issue, ...more])
      }
      const { [address]: _, ...others } = overridesOf(document)
      const overrides: ExporterOverrides = merged.length === 0 ? others : { ...others, [address]: override }
      if (Object.keys(overrides).length > MAX_EXPORTER_OVERRIDES) {
        const detail = `Something is said of ${MAX_EXPORTER_OVERRIDES} exporters already; say it of their network in collector.exporters.`
        throw new HttpProblem(422, 'EXPORTER_POLICY_LIMIT', detail)
      }
      return withOverrides(document, overrides)
    })
    return this.get(id)
  }
}

/** @throws HttpProblem 400 for what is no object, or has other keys */
function objectOf(patch: unknown): object {
  const isObject = typeof patch === 'object' && patch !== null && !Array.isArray(patch)
  const strange = isObject ? Object.keys(patch).find(key => !keys.includes(key)) : undefined
  if (isObject && strange === undefined) return patch
  const wrong = strange === undefined ? 'The body is no object' : `There is no key ${JSON.stringify(strange)}`
  throw new HttpProblem(400, 'REQUEST_INVALID', `${wrong}; it takes ${keys.join(', ')}.`)
}

const keys: readonly string[] = exporterOverrideKeys

function addressOf(id: string): string {
  const address = exporterAddress(id)
  if (address === undefined) throw notFound('exporter', id, 'an exporter is named by its address')
  return address
}
