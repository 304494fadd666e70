import { restartsFor } from '@weir/config'
import type { WeirConfig } from '@weir/config'
import type { JsonValue } from '@weir/link'

/** Something that one of the processes is told. */
export interface Telling {
  readonly process: 'collector' | 'mediator'
  readonly method: string
  readonly params: JsonValue
}

/** A part of the document that is taken at once, other than listeners, destinations and what is said of single exporters. */
export interface LiveKey {
  readonly id: string
  readonly stays: readonly string[]
  /** Those that take it; `coordinator` is we ourselves. */
  readonly processes: readonly string[]
  valueOf(config: WeirConfig): unknown
  /** In the order in which they are told. */
  tellings(config: WeirConfig): readonly Telling[]
}

// Plain data already; the type does not know.
const toCollector = (method: string, params: unknown): Telling => ({
  process: 'collector',
  method: `collector.${method}`,
  params: params as JsonValue
})
const toMediator = (method: string, params: unknown): Telling => ({
  process: 'mediator',
  method: `mediator.${method}`,
  params: params as JsonValue
})

const allOf = (what: string): readonly string[] => ['listeners', 'sessions', 'queues', what]

/** `allow` and `allowAny` are one thing. */
const allowOf = ({ collector: { allow, allowAny } }: WeirConfig): unknown => ({ allow, allowAny })

const defaultsOf = ({ mediator: { plan, limits } }: WeirConfig): unknown => ({
  plan,
  templatesPerDestination: limits.templatesPerDestination
})

/** The keys of a section that are taken live. */
const liveOf = (path: string, section: object): unknown =>
  Object.fromEntries(Object.entries(section).filter(([key]) => restartsFor(`${path}.${key}`).length === 0))

export const liveKeys: readonly LiveKey[] = [
  {
    id: 'collector.allow',
    stays: ['listeners', 'sessions of those who still may send', 'templates'],
    processes: ['collector'],
    valueOf: allowOf,
    tellings: config => [toCollector('setAllow', allowOf(config))]
  },
  {
    id: 'collector.exporters',
    stays: ['listeners', 'sessions', 'templates'],
    processes: ['collector'],
    valueOf: ({ collector }) => collector.exporters,
    tellings: ({ collector: { exporters } }) => [toCollector('setExporters', { exporters })]
  },
  {
    id: 'collector.limits',
    stays: ['listeners', 'sessions', 'templates'],
    processes: ['collector'],
    valueOf: ({ collector }) => liveOf('collector.limits', collector.limits),
    tellings: ({ collector: { limits } }) => [toCollector('setLimits', { limits })]
  },
  {
    id: 'mediator.plan',
    stays: ['sessions', 'queues'],
    processes: ['mediator'],
    valueOf: defaultsOf,
    tellings: config => [toMediator('setDefaults', defaultsOf(config))]
  },
  {
    id: 'shutdown',
    stays: allOf('templates'),
    processes: ['collector', 'mediator'],
    valueOf: ({ shutdown }) => shutdown,
    tellings: ({ shutdown }) => [toMediator('setShutdown', { shutdown }), toCollector('setShutdown', { shutdown })]
  },
  {
    id: 'coordinator.limits',
    stays: allOf('connections'),
    processes: ['coordinator'],
    valueOf: ({ coordinator }) => liveOf('coordinator.limits', coordinator.limits),
    tellings: () => []
  },
  {
    id: 'log.level',
    stays: allOf('templates'),
    processes: ['collector', 'mediator', 'coordinator'],
    valueOf: ({ log }) => log.level,
    tellings: ({ log: { level } }) =>
      (['mediator', 'collector'] as const).map(process => ({
        process,
        method: 'process.setLogLevel',
        params: { level }
      }))
  }
]
