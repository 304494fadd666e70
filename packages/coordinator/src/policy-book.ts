import { HttpProblem, notFound } from '@weir/http'
import { exporterAddress, exporterOverrideIssues, hashOf, MAX_EXPORTER_OVERRIDES } from '@weir/config'
import type { ExporterOverride, ExporterOverrides } from '@weir/config'
import type { JsonValue } from '@weir/link'
import type { Pod } from './pod.ts'
import type { RevisionKeeper } from './revision-keeper.ts'

/**
 * What was said through the API of single exporters. A change goes to the collector first; only what the collector took is
 * kept. A collector that registers is told all of it again.
 */
export class PolicyBook {
  readonly #pod: Pod
  readonly #keeper: RevisionKeeper
  #overrides: ExporterOverrides

  constructor(overrides: ExporterOverrides, pod: Pod, keeper: RevisionKeeper) {
    this.#overrides = overrides
    this.#pod = pod
    this.#keeper = keeper
  }

  /** What was said of one exporter. @throws HttpProblem 404 if the id is no address */
  get(id: string): ExporterOverride {
    return this.#overrides[addressOf(id)] ?? {}
  }

  /** Identity of what was said of it, for ETag and If-Match. */
  etagOf(id: string): string {
    return `"${hashOf(this.get(id)).slice(0, 16)}"`
  }

  /**
   * Change what is said of one exporter. It need not be there now.
   *
   * @param patch - a merge patch (RFC 7396) of `scope` and `resumeTemplates`; null = as the configuration says.
   * @param ifMatch - the ETag that the caller has seen, or undefined.
   */
  patch(id: string, patch: unknown, ifMatch: string | undefined): Promise<ExporterOverride> {
    return this.#keeper.change(async () => {
      const address = addressOf(id)
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
      const { [address]: _, ...others } = this.#overrides
      const overrides: ExporterOverrides = merged.length === 0 ? others : { ...others, [address]: override }
      if (Object.keys(overrides).length > MAX_EXPORTER_OVERRIDES) {
        const detail = `Something is said of ${MAX_EXPORTER_OVERRIDES} exporters already; say it of their network in collector.exporters.`
        throw new HttpProblem(422, 'EXPORTER_POLICY_LIMIT', detail)
      }
      await this.#give(overrides)
      this.#overrides = overrides
      await this.#keeper.keep({ exporters: overrides })
      return override
    })
  }

  /** Tell a collector that has just come: it may have started from an older document. */
  reconcile(): Promise<void> {
    return this.#keeper.change(() => this.#give(this.#overrides))
  }

  async #give(policies: ExporterOverrides): Promise<void> {
    await this.#pod.collector('exporters.setPolicies', { policies } as unknown as JsonValue)
  }
}

/** @throws HttpProblem 400 for what is no object, or has other keys */
function objectOf(patch: unknown): object {
  const isObject = typeof patch === 'object' && patch !== null && !Array.isArray(patch)
  const strange = isObject ? Object.keys(patch).find(key => !keys.includes(key)) : undefined
  if (isObject && strange === undefined) return patch
  const wrong = strange === undefined ? 'The body is no object' : `There is no key ${JSON.stringify(strange)}`
  throw new HttpProblem(400, 'REQUEST_INVALID', `${wrong}; it takes ${keys.join(' and ')}.`)
}

const keys = ['scope', 'resumeTemplates']

function addressOf(id: string): string {
  const address = exporterAddress(id)
  if (address === undefined) throw notFound('exporter', id, 'an exporter is named by its address')
  return address
}
