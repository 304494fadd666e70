import { BlockList, isIPv4 } from 'node:net'
import type { ExporterPolicyConfig, TemplateScopePolicy } from '@weir/config'

/** What holds for one exporter. */
export interface ExporterPolicy {
  /** Whose templates are used for its data. */
  readonly scope: TemplateScopePolicy
  /** TCP: those of its last session decode it until it announces its own. */
  readonly resumeTemplates: boolean
  /** It is silent after so long; null = `collector.limits.exporterSilentMs`. */
  readonly silentMs: number | null
  /** Its clock is skewed from so far on; null = `collector.limits.skewMs`. */
  readonly skewMs: number | null
}

/** One entry of `collector.exporters`; thresholds that are left out are null. */
export type ExporterPolicyEntry = Pick<ExporterPolicyConfig, 'match' | 'scope' | 'resumeTemplates'> &
  Partial<ExporterPolicyConfig>

/** Where nothing else was said. */
const defaultPolicy: ExporterPolicy = Object.freeze({
  scope: 'auto',
  resumeTemplates: false,
  silentMs: null,
  skewMs: null
})

interface Matcher {
  readonly block: BlockList
  readonly policy: ExporterPolicy
}

/**
 * What holds for which exporter: the entries of `collector.exporters`, and over them what was set for single exporters while
 * the collector runs. Asked when a session begins, never per Message; who keeps an answer is told when it may have changed.
 */
export class ExporterPolicies {
  /** Another one after each change. */
  version = 0
  #matchers: readonly Matcher[] = []
  #configured: readonly ExporterPolicyEntry[] = []
  readonly #single = new Map<string, Partial<ExporterPolicy>>()
  readonly #listeners = new Set<() => void>()

  /** @param configured - `collector.exporters`, checked. */
  constructor(configured: readonly ExporterPolicyEntry[] = []) {
    this.#take(configured)
  }

  /** The entries of the configuration. */
  get configured(): readonly ExporterPolicyEntry[] {
    return this.#configured
  }

  /** Whether any exporter may be decoded by the templates of a former TCP session. */
  get mayResume(): boolean {
    if (this.#matchers.some(({ policy }) => policy.resumeTemplates)) return true
    for (const { resumeTemplates } of this.#single.values()) if (resumeTemplates === true) return true
    return false
  }

  /** What was set for single exporters, by address. */
  get single(): ReadonlyMap<string, Partial<ExporterPolicy>> {
    return this.#single
  }

  /**
   * What holds for one exporter now. Allocates nothing for those that nothing was said of.
   *
   * @param address - canonical text (`PeerAddress.text`).
   */
  policyFor(address: string): ExporterPolicy {
    const matched = this.#matchers.length === 0 ? defaultPolicy : this.#matched(address)
    const single = this.#single.size === 0 ? undefined : this.#single.get(address)
    return single === undefined ? matched : { ...matched, ...single }
  }

  /** Other entries of the configuration; what was set for single exporters stays. */
  replace(configured: readonly ExporterPolicyEntry[]): void {
    this.#take(configured)
    this.#tell()
  }

  /** Say it for one exporter alone; `undefined` takes that back. Keys that are left out are as the entries say. */
  set(address: string, policy: Partial<ExporterPolicy> | undefined): void {
    if (policy === undefined) this.#single.delete(address)
    else this.#single.set(address, { ...policy })
    this.#tell()
  }

  /** Say it for these exporters alone, and take back what was said of others. */
  setAll(single: Readonly<Record<string, Partial<ExporterPolicy>>>): void {
    this.#single.clear()
    for (const [address, policy] of Object.entries(single)) this.#single.set(address, { ...policy })
    this.#tell()
  }

  /** Told after each change: answers given before may be other ones now. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  #tell(): void {
    this.version++
    for (const listener of this.#listeners) listener()
  }

  #take(configured: readonly ExporterPolicyEntry[]): void {
    this.#configured = configured
    this.#matchers = configured.map(({ match, ...policy }) => ({
      block: blockOf(match),
      policy: Object.freeze({ ...defaultPolicy, ...policy })
    }))
  }

  #matched(address: string): ExporterPolicy {
    const family = isIPv4(address) ? 'ipv4' : 'ipv6'
    for (const { block, policy } of this.#matchers) if (block.check(address, family)) return policy
    return defaultPolicy
  }
}

function blockOf(match: string): BlockList {
  const [network, prefix] = match.split('/')
  const family = isIPv4(network) ? 'ipv4' : 'ipv6'
  const block = new BlockList()
  block.addSubnet(network, prefix === undefined ? (family === 'ipv4' ? 32 : 128) : Number(prefix), family)
  return block
}
