import type { Destination as DestinationConfig, PlanConfig, WeirConfig } from '@weir/config'
import { TextAnswer } from '@weir/link'
import type { ControlClient, JsonValue } from '@weir/link'
import type { Metrics } from '@weir/runtime'
import type { WantedMode } from './destinations/destination-mode.ts'
import type { DestinationChange } from './destinations/destination-set.ts'
import type { Mediator } from './mediator.ts'

/** Parameters are an object; what is in it was checked by the coordinator. */
type Parameters = { readonly [key: string]: JsonValue | undefined }

const parametersOf = (params: JsonValue): Parameters => (params ?? {}) as Parameters
/** Plain data already; the type does not know. */
const json = (value: unknown): JsonValue => value as JsonValue

/**
 * Serve the mediator's control methods: `process.readiness`, `mediator.state`, `mediator.metrics`, `mediator.setDefaults {plan, templatesPerDestination}`,
 * `mediator.setShutdown {shutdown}`, `destinations.add`, `.patch`, `.remove`,
 * `.resendTemplates`, `.setMode`, `.flush`, `.test`. Those of destinations take `{id, …}`; all but the last two answer with the
 * destination's new state.
 *
 * `tap.open` takes `{id, filter, exporter, destination, rate, limit}`, `tap.read` `{id, isTaken, waitMs}` and answers what was shown
 * since, `tap.close` `{id}`.
 *
 * A whole destination comes under `destination`, a partial change under `change`; without either the parameters are meant.
 */
export function serveControl(control: ControlClient, mediator: Mediator, metrics: Metrics): void {
  const { destinations } = mediator
  control.handle('process.readiness', () => json(mediator.readiness))
  control.handle('mediator.state', () => json(mediator.state))
  control.handle('mediator.metrics', () => metrics.text())
  control.handle('mediator.setDefaults', params => {
    const { plan, templatesPerDestination } = parametersOf(params)
    destinations.setDefaults({ plan: plan as unknown as PlanConfig, maxTemplates: Number(templatesPerDestination) })
    return {}
  })
  control.handle('mediator.setShutdown', params => {
    mediator.setShutdown(parametersOf(params).shutdown as unknown as WeirConfig['shutdown'])
    return {}
  })
  control.handle('destinations.add', params => {
    const given = parametersOf(params)
    return json(destinations.add((given.destination ?? given) as unknown as DestinationConfig, true))
  })
  control.handle('destinations.patch', params => {
    const given = parametersOf(params)
    if (given.destination !== undefined) {
      return json(destinations.replace(given.destination as unknown as DestinationConfig))
    }
    return json(destinations.patch(String(given.id), (given.change ?? given) as DestinationChange))
  })
  control.handle('destinations.remove', params => {
    const { state, done } = destinations.remove(String(parametersOf(params).id))
    void done
    return json(state)
  })
  control.handle('destinations.resendTemplates', params =>
    json(destinations.resendTemplates(String(parametersOf(params).id)))
  )
  control.handle('tap.open', params => {
    const { id, filter, exporter, destination, rate, limit } = parametersOf(params)
    mediator.openTap({
      id: String(id),
      filter: filter === null || filter === undefined ? undefined : String(filter),
      exporter: exporter === null || exporter === undefined ? undefined : String(exporter),
      destination: destination === null || destination === undefined ? undefined : String(destination),
      rate: Number(rate),
      limit: Number(limit)
    })
    return null
  })
  control.handle('tap.read', async params => {
    const { id, isTaken, waitMs } = parametersOf(params)
    const { lines, counts, isDone } = await mediator.taps.read(String(id), isTaken === true, Number(waitMs))
    return new TextAnswer({ counts: { ...counts }, isDone }, lines)
  })
  control.handle('tap.close', params => {
    mediator.taps.close(String(parametersOf(params).id))
    return null
  })
  control.handle('destinations.setMode', async params => {
    const { id, mode } = parametersOf(params)
    return json(await destinations.setMode(String(id), mode as WantedMode))
  })
  control.handle('destinations.flush', async params => {
    const { id, timeoutMs } = parametersOf(params)
    return json(await destinations.flush(String(id), Number(timeoutMs)))
  })
  control.handle('destinations.test', async params => {
    const { id, timeoutMs } = parametersOf(params)
    return json(await destinations.test(String(id), Number(timeoutMs)))
  })
}
