import type { Pipeline } from '@weir/http'
import type { ControlServer } from '@weir/link'
import type { Clock, Timer } from '@weir/runtime'
import type { WeirConfig } from '@weir/config'
import type { Pod } from '../pod.ts'
import { answerOrNull } from '../pod.ts'
import type { CollectorState, MediatorState } from '../process-state.ts'
import { pipelineOf } from './pipeline-view.ts'
import { RateWindow } from './rate-window.ts'

const PERIOD_MS = 2_000

/** Watches the counters of the pod, so that a pipeline can be told with rates at any time. */
export class PipelineWatch {
  readonly #pod: Pod
  readonly #control: ControlServer
  readonly #clock: Clock
  readonly #document: () => WeirConfig
  readonly #window = new RateWindow()
  #timer: Timer | undefined
  #isBusy = false

  /** @param document - the one in force. */
  constructor(pod: Pod, control: ControlServer, clock: Clock, document: () => WeirConfig) {
    this.#pod = pod
    this.#control = control
    this.#clock = clock
    this.#document = document
  }

  start(): void {
    this.#timer = this.#clock.setPeriodic(PERIOD_MS, () => void this.#sample())
  }

  stop(): void {
    this.#timer?.cancel()
  }

  /** The pipeline as it is now; what a process that is away would say is left out. */
  async current(): Promise<Pipeline> {
    const runs = this.#runs()
    const pipeline = await this.#read()
    return this.#window.rated(pipeline, this.#clock.monotonicMs(), runs)
  }

  async #sample(): Promise<void> {
    if (this.#isBusy) return
    this.#isBusy = true
    try {
      const runs = this.#runs()
      this.#window.add(await this.#read(), this.#clock.monotonicMs(), runs)
    } catch {
      // A process that does not answer is missing in this sample; whoever asks is told why.
    } finally {
      this.#isBusy = false
    }
  }

  async #read(): Promise<Pipeline> {
    const [collector, mediator] = await Promise.all([
      answerOrNull(this.#pod.collector('collector.state')),
      answerOrNull(this.#pod.mediator('mediator.state'))
    ])
    const { collector: configured, destinations } = this.#document()
    return pipelineOf({
      takenAtMs: this.#clock.nowMs(),
      listeners: configured.listeners.map(({ name }) => name),
      destinations: destinations.map(({ id }) => id),
      collector: collector as unknown as CollectorState | null,
      mediator: mediator as unknown as MediatorState | null
    })
  }

  #runs(): { readonly collector: string; readonly mediator: string } {
    const epochOf = (process: string): string =>
      this.#control.peers.find(peer => peer.process === process && peer.isConnected)?.epoch ?? ''
    return { collector: epochOf('collector'), mediator: epochOf('mediator') }
  }
}
