import type { CollectorLedger, DestinationView, Listener, MediatorLedger } from '@weir/http'
import type { Static } from 'typebox'

/** What of `collector.state` is shown. */
export interface CollectorState {
  readonly listeners: readonly Static<typeof Listener>[]
  readonly ledger: CollectorLedger
  readonly link: { readonly state: string; readonly inWindowOctets: number }
}

/** One destination in `mediator.state`. */
export interface MediatorDestination {
  readonly id: string
  readonly type: string
  readonly mode: DestinationView['mode']
  readonly output: {
    readonly status: string
    readonly target: string
    readonly sessions: number
    readonly sendErrors: number
    readonly writtenOctets: number
    readonly lastError?: string
    readonly nextAttemptAtMs?: number
  }
  readonly encoder: { readonly templates: number; readonly messages: number }
  readonly queue: NonNullable<DestinationView['queue']>
  readonly ledger: NonNullable<DestinationView['ledger']>
}

/** What of `mediator.state` is shown. */
export interface MediatorState {
  readonly destinations: readonly MediatorDestination[]
  readonly ledger: MediatorLedger
}

/** A destination for people: its document, and its state if the mediator has it. */
export function destinationView(
  config: { readonly id: string; readonly type: string },
  state: MediatorDestination | undefined
): DestinationView {
  const { id, type } = config
  if (state === undefined) {
    const nothing = {
      target: '',
      lastError: null,
      nextAttemptAtMs: null,
      sessions: 0,
      sendErrors: 0,
      writtenOctets: 0,
      messages: 0,
      templates: 0
    }
    return { id, type, status: 'absent', mode: 'running', ...nothing, queue: null, ledger: null, config }
  }
  const { mode, output, encoder, queue, ledger } = state
  const { status, target, sessions, sendErrors, writtenOctets, lastError = null, nextAttemptAtMs = null } = output
  const { messages, templates } = encoder
  return {
    id,
    type,
    status: mode === 'running' ? status : mode,
    mode,
    target,
    lastError,
    nextAttemptAtMs,
    sessions,
    sendErrors,
    writtenOctets,
    messages,
    templates,
    queue,
    ledger,
    config
  }
}
