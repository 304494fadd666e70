import type { ControlServer, ControlServerConfig } from './control.ts'

export function createControlServer(_config: ControlServerConfig): ControlServer {
  throw new Error('not there yet')
}
