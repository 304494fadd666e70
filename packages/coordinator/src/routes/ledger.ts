import { Ledger, problems } from '@weir/http'
import type { HttpServer } from '@weir/http'
import type { Clock } from '@weir/runtime'
import { ledgerView } from '../ledger-view.ts'
import { answerOrNull } from '../pod.ts'
import type { Pod } from '../pod.ts'
import type { CollectorState, MediatorState } from '../process-state.ts'

/** `GET /v1/ledger`. */
export function ledgerRoutes(server: HttpServer, pod: Pod, clock: Clock): void {
  server.get(
    '/v1/ledger',
    {
      schema: {
        tags: ['account'],
        summary: 'Where every record went; a process that is away is null',
        response: { 200: Ledger, ...problems }
      }
    },
    async () => {
      const [collector, mediator] = await Promise.all([
        answerOrNull(pod.collector('collector.state')),
        answerOrNull(pod.mediator('mediator.state'))
      ])
      return ledgerView(
        clock.nowMs(),
        (collector as unknown as CollectorState | null)?.ledger ?? null,
        (mediator as unknown as MediatorState | null)?.ledger ?? null
      )
    }
  )
}
