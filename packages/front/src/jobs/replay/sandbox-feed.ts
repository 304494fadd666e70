import type { Route, SentMessage } from '@weir/analysis/replay'
import { flowExportKind } from '@weir/ipfix'
import type { CapturedMessage } from '@weir/ipfix'
import { standInOf } from './sandbox-document.ts'
import type { Sandbox } from './sandbox.ts'

/** UDP that may be on its way: what the smallest usual receive buffer (212,992 octets) holds, with what the kernel adds. */
const MESSAGES_UNDER_WAY = 64
const OCTETS_UNDER_WAY = 98_304

/** Sends a recording into a sandbox: each exporter from an address of its own, and no faster than it is received. */
export class SandboxFeed {
  /** What stands for which exporter. */
  readonly exporters: Record<string, string> = {}
  readonly #sandbox: Sandbox
  readonly #standIns = new Map<string, string>()
  #messages = 0
  #octets = 0

  constructor(sandbox: Sandbox) {
    this.#sandbox = sandbox
  }

  /** UDP stays UDP; an IPFIX File is a Transport Session without loss, so it goes as TCP does. */
  readonly routeOf = ({ transport, source, octets }: CapturedMessage): Route => {
    const isStream = transport === 'tcp' || (transport === 'file' && flowExportKind(octets) === 'ipfix')
    const way = isStream ? 'tcp' : 'udp'
    return {
      target: { transport: way, host: '127.0.0.1', port: this.#sandbox.ports[way] },
      sourceAddress: this.#standInOf(source.address === '' ? 'file' : source.address)
    }
  }

  readonly onSent = ({ transport, octets, report }: SentMessage): Promise<void> | undefined => {
    if (transport === 'tcp') return undefined
    this.#messages++
    this.#octets += octets
    if (this.#messages < MESSAGES_UNDER_WAY && this.#octets < OCTETS_UNDER_WAY) return undefined
    this.#messages = 0
    this.#octets = 0
    return this.#sandbox.untilReceived(report.messages)
  }

  #standInOf(exporter: string): string {
    const known = this.#standIns.get(exporter)
    if (known !== undefined) return known
    const standIn = standInOf(this.#standIns.size + 1)
    this.#standIns.set(exporter, standIn)
    this.exporters[standIn] = exporter
    return standIn
  }
}
