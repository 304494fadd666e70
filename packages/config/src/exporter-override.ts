import { isIP, SocketAddress } from 'node:net'
import type { ConfigIssue } from '@weir/runtime'
import type { WeirConfig } from './schema/document.ts'
import {
  thresholdBounds,
  templateScopes,
  type ExporterOverrideConfig,
  type TemplateScopePolicy
} from './schema/exporters.ts'

/** What was said through the API of one exporter, over the entries of `collector.exporters`; what is left out is as they say. */
export interface ExporterOverride {
  readonly scope?: TemplateScopePolicy
  readonly resumeTemplates?: boolean
  /** Milliseconds. */
  readonly silentMs?: number
  /** Milliseconds. */
  readonly skewMs?: number
}

/** What can be said of one exporter. */
export const exporterOverrideKeys = ['scope', 'resumeTemplates', 'silentMs', 'skewMs'] as const

/** By address, in canonical text. */
export type ExporterOverrides = Readonly<Record<string, ExporterOverride>>

/** More than are set one by one; each costs a look when an exporter comes. */
export const MAX_EXPORTER_OVERRIDES = 4_096

/** `collector.exporterOverrides` by address. */
export function overridesOf({ collector }: WeirConfig): ExporterOverrides {
  return Object.fromEntries(
    collector.exporterOverrides.map(({ address, ...override }) => [exporterAddress(address) ?? address, override])
  )
}

/** The document with other `collector.exporterOverrides`; those that say nothing are left out. */
export function withOverrides(config: WeirConfig, overrides: ExporterOverrides): WeirConfig {
  const exporterOverrides = Object.entries(overrides)
    .filter(([, override]) => Object.keys(override).length > 0)
    .map(([address, override]): ExporterOverrideConfig => ({ address, ...override }))
  return { ...config, collector: { ...config.collector, exporterOverrides } }
}

/** Canonical text of an address, as the collector names exporters by it; undefined if the text is none. */
export function exporterAddress(text: string): string | undefined {
  const family = isIP(text)
  if (family === 0 || text.includes('%')) return undefined
  const { address } = new SocketAddress({ address: text, family: family === 4 ? 'ipv4' : 'ipv6' })
  return address.startsWith('::ffff:') && isIP(address.slice(7)) === 4 ? address.slice(7) : address
}

/**
 * Check what was said of one exporter.
 *
 * @returns what is wrong; empty if nothing is.
 */
export function exporterOverrideIssues(value: unknown): ConfigIssue[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return [{ path: '', message: 'is no object', allowed: exporterOverrideKeys.join(', ') }]
  }
  const issues: ConfigIssue[] = []
  for (const [key, each] of Object.entries(value)) {
    if (key === 'scope') issues.push(...scopeIssues(each))
    else if (key === 'resumeTemplates') {
      if (typeof each !== 'boolean')
        issues.push({ path: key, message: 'is not true or false', allowed: 'true | false' })
    } else if (key === 'silentMs' || key === 'skewMs') {
      const { minimum, maximum } = thresholdBounds[key]
      if (!Number.isInteger(each) || (each as number) < minimum || (each as number) > maximum)
        issues.push({ path: key, message: 'is not allowed', allowed: `a whole number ${minimum}..${maximum}` })
    } else issues.push({ path: key, message: 'there is no such key', allowed: exporterOverrideKeys.join(', ') })
  }
  return issues
}

const allowedScopes = templateScopes.filter(scope => scope !== 'certificate').join(' | ')

/** Check a scope: the schema allows one that cannot be had yet. */
export function scopeIssues(scope: unknown): ConfigIssue[] {
  if (!templateScopes.includes(scope as TemplateScopePolicy)) {
    return [{ path: 'scope', message: `${JSON.stringify(scope)} is no scope`, allowed: allowedScopes }]
  }
  if (scope !== 'certificate') return []
  const message = 'is certificate, and there is no TLS listener whose peers would have one'
  return [{ path: 'scope', message, allowed: allowedScopes }]
}
