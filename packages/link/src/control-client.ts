import type { ControlClient, ControlClientConfig } from './control.ts'

export function createControlClient(_config: ControlClientConfig): ControlClient {
  throw new Error('not there yet')
}
