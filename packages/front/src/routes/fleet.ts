import { Exporter, Ledger, checkLimit, cursorQuery, exporterFilters, orNull, oneOf, problems, timeMs } from '@weir/http'
import type { HttpServer } from '@weir/http'
import type { Clock } from '@weir/runtime'
import Type from 'typebox'
import type { Static } from 'typebox'
import { Compile } from 'typebox/compile'
import type { AnswerCache } from '../fleet/answer-cache.ts'
import { mergedListOf, notModified, partial, podName, podPageOf } from '../fleet/fleet-shapes.ts'
import type { Fleet } from '../fleet/fleet.ts'
import { reportsOf } from '../fleet/fleet.ts'
import { mergedPage } from '../fleet/merged-page.ts'

const podReadiness = Compile(Type.Object({ reasons: Type.Array(Type.String()) }))
const podExporters = podPageOf(Exporter)
const podLedger = Compile(Ledger)

const FleetPod = Type.Object({
  pod: Type.String({ description: 'HOST:PORT of its control API.' }),
  url: Type.String(),
  state: oneOf(['ready', 'unready', 'away'], 'ready; unready: it answers, and says what is missing; away.'),
  reasons: Type.Array(Type.String(), { description: 'What is not ready, a sentence each.' }),
  tookMs: Type.Number({ description: 'Until it answered or was given up, milliseconds.' })
})

const merge =
  'Merged from all pods that answer in time, in the order that each has; one that does not is named in `pods`.'

/** `/api/v1/fleet`, `/exporters`, `/ledger`: all pods as one. */
export function fleetRoutes(
  server: HttpServer,
  { fleet, cache, clock, maxPage }: { fleet: Fleet; cache: AnswerCache; clock: Clock; maxPage: number }
): void {
  const tags = ['fleet']
  const config = { role: 'reader' } as const

  server.get(
    '/api/v1/fleet',
    {
      config,
      schema: {
        tags,
        summary: 'The pods, and how each is',
        response: {
          200: Type.Object({
            takenAtMs: timeMs('When they were asked'),
            total: Type.Integer(),
            ready: Type.Integer(),
            items: Type.Array(FleetPod)
          }),
          ...notModified,
          ...problems
        }
      }
    },
    (request, reply) => cache.answer(request, reply, () => podsOf(fleet, clock))
  )

  const { offset: _offset, ...query } = cursorQuery({ ...exporterFilters, pod: podName }).properties
  server.get(
    '/api/v1/exporters',
    {
      config,
      schema: {
        tags,
        summary: 'Who exports to the fleet, once for each pod that it exports to',
        description: merge,
        querystring: Type.Object(query, { additionalProperties: false }),
        response: { 200: mergedListOf(Exporter.properties), ...notModified, ...problems }
      }
    },
    (request, reply) => {
      const { query: asked } = request
      checkLimit(asked.limit, maxPage)
      const make = () => mergedPage<Static<typeof Exporter>>(fleet, podExporters, '/v1/exporters', asked, 'id')
      return cache.answer(request, reply, make)
    }
  )

  server.get(
    '/api/v1/ledger',
    {
      config,
      schema: {
        tags,
        summary: 'Where every record went, pod by pod and in all',
        querystring: Type.Object({ pod: podName }, { additionalProperties: false }),
        response: {
          200: Type.Object({
            takenAtMs: timeMs('When it was put together'),
            totals: Type.Object(
              {
                messagesReceived: Type.Integer(),
                dataSetsReceived: Type.Integer(),
                recordsDecoded: Type.Integer(),
                recordsAdmitted: Type.Integer(),
                recordsReceived: Type.Integer({ description: 'By the mediators.' }),
                recordsFiltered: Type.Integer({ description: "Kept back by destinations' filters." }),
                recordsSent: Type.Integer({ description: 'To all destinations together.' }),
                recordsDropped: Type.Integer({ description: 'For all destinations together.' })
              },
              { description: 'Of the pods that answered.' }
            ),
            isClosed: Type.Boolean({ description: 'Every equation of every pod that answered holds.' }),
            items: Type.Array(Type.Object({ pod: Type.String(), ledger: orNull(Ledger) })),
            ...partial
          }),
          ...notModified,
          ...problems
        }
      }
    },
    (request, reply) => {
      const { pod } = request.query
      return cache.answer(request, reply, () => ledgerOf(fleet, clock, pod))
    }
  )
}

function totalsOf(ledgers: readonly Static<typeof Ledger>[]) {
  const sum = (count: (ledger: Static<typeof Ledger>) => number | undefined): number =>
    ledgers.reduce((total, ledger) => total + (count(ledger) ?? 0), 0)
  const over = (
    count: (its: { filtered: number; sent: number; dropped: Readonly<Record<string, number>> }) => number
  ): number =>
    sum(({ mediator }) => Object.values(mediator?.destinations ?? {}).reduce((total, its) => total + count(its), 0))
  return {
    messagesReceived: sum(({ collector }) => collector?.messages.received),
    dataSetsReceived: sum(({ collector }) => collector?.dataSets.received),
    recordsDecoded: sum(({ collector }) => collector?.records.decoded),
    recordsAdmitted: sum(({ collector }) => collector?.records.admitted),
    recordsReceived: sum(({ mediator }) => mediator?.records.received),
    recordsFiltered: over(({ filtered }) => filtered),
    recordsSent: over(({ sent }) => sent),
    recordsDropped: over(({ dropped }) => Object.values(dropped).reduce((total, drop) => total + drop, 0))
  }
}

async function podsOf(fleet: Fleet, clock: Clock) {
  const takenAtMs = clock.nowMs()
  const { answers, missing } = await fleet.ask(podReadiness, () => '/readyz', undefined, [503])
  const items: Static<typeof FleetPod>[] = answers.map(answer => ({
    pod: answer.pod.name,
    url: answer.pod.url,
    state: !answer.isAnswered ? 'away' : answer.status === 200 ? 'ready' : 'unready',
    reasons: answer.isAnswered ? answer.body.reasons : [answer.failure.detail],
    tookMs: answer.tookMs
  }))
  for (const { pod, detail } of missing) items.push({ pod, url: '', state: 'away', reasons: [detail], tookMs: 0 })
  return { takenAtMs, total: items.length, ready: items.filter(({ state }) => state === 'ready').length, items }
}

async function ledgerOf(fleet: Fleet, clock: Clock, pod: string | undefined) {
  const takenAtMs = clock.nowMs()
  const { answers, missing } = await fleet.ask(podLedger, () => '/v1/ledger', pod)
  const reports = reportsOf(answers, missing)
  const items = answers.map(answer => ({ pod: answer.pod.name, ledger: answer.isAnswered ? answer.body : null }))
  const ledgers = items.flatMap(({ ledger }) => (ledger === null ? [] : [ledger]))
  const isClosed = ledgers.every(({ equations }) => equations.every(({ holds }) => holds))
  return { takenAtMs, totals: totalsOf(ledgers), isClosed, items, ...reports }
}
