import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LayoutTable, type Layout } from '@weir/ipfix'
import { FakeClock } from '@weir/runtime'
import {
  createLinkReceiver,
  createLinkSender,
  type LinkConfig,
  type LinkReceiver,
  type LinkReceiverDeps,
  type LinkSender,
  type ReceivedBatch,
  type Source
} from '../../src/index.ts'
import { MemoryNetwork } from './memory-channel.ts'

/** A fresh folder that goes with the test. */
export function temporaryFolder(test: { after(callback: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), 'weir-link-'))
  test.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Records of 8 octets: source number and serial, u32 each. */
export const SERIAL_OCTETS = 8

export const serialLayout = (table = new LayoutTable()): Layout =>
  table.intern([{ pen: 32473, id: 1, length: SERIAL_OCTETS }], 0)

export const sourceFields = (odid: number): Omit<Source, 'id'> => ({
  transport: 'tcp',
  version: 10,
  address: Uint8Array.of(192, 0, 2, odid, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
  isIPv6: false,
  port: 50_000 + odid,
  odid,
  v5Sampling: -1,
  exporterId: `192.0.2.${odid}`
})

/** The serials of a batch, by the ODID of their source. */
export function serialsOf(batch: ReceivedBatch): { odid: number; serial: number; isState: boolean }[] {
  const found: { odid: number; serial: number; isState: boolean }[] = []
  const { entries, view } = batch
  entries.reset()
  while (entries.next()) {
    for (let record = 0; record < entries.records; record++) {
      const offset = entries.offset + record * SERIAL_OCTETS
      found.push({ odid: view.getUint32(offset), serial: view.getUint32(offset + 4), isState: entries.isState })
    }
  }
  return found
}

/** Appends entries of `records` consecutive serials of one source. */
export class SerialSource {
  readonly odid: number
  next = 0
  readonly #sender: LinkSender
  readonly #layout: Layout
  readonly #source: Source
  readonly #octets = new Uint8Array(65_536)

  constructor(sender: LinkSender, layout: Layout, odid: number) {
    this.#sender = sender
    this.#layout = layout
    this.#source = sender.defineSource(sourceFields(odid))
    this.odid = odid
  }

  append(records: number, isState = false): boolean {
    const view = new DataView(this.#octets.buffer)
    for (let record = 0; record < records; record++) {
      view.setUint32(3 + record * SERIAL_OCTETS, this.odid)
      view.setUint32(3 + record * SERIAL_OCTETS + 4, this.next + record)
    }
    const lengthOctets = records * SERIAL_OCTETS
    const append = isState ? this.#sender.appendState : this.#sender.append
    const isTaken = append.call(
      this.#sender,
      this.#layout,
      this.#source,
      0,
      1,
      2,
      Number.NaN,
      records,
      this.#octets,
      3,
      lengthOctets
    )
    if (isTaken) this.next += records
    return isTaken
  }
}

/** A sender and a receiver on a network, a clock and turns that the test owns. */
export class Rig {
  readonly network = new MemoryNetwork()
  readonly clock = new FakeClock()
  readonly sender: LinkSender
  readonly layout = serialLayout()
  /** Delivered and not settled, oldest first. */
  readonly held: ReceivedBatch[] = []
  onBatch: (batch: ReceivedBatch) => void = () => {}
  receiver: LinkReceiver
  readonly #endpoint: string
  readonly #config: Partial<LinkConfig>
  readonly #receiverDeps: LinkReceiverDeps
  #turn: (() => void)[] = []

  constructor(folder: string, config: Partial<LinkConfig> = {}, receiverDeps: LinkReceiverDeps = {}) {
    this.#endpoint = `ipc://${folder}/rig.data`
    this.#config = config
    this.#receiverDeps = receiverDeps
    const { clock, network } = this
    this.sender = createLinkSender({ endpoint: this.#endpoint, ...config }, { clock, connect: network.connect })
    this.receiver = this.#newReceiver()
  }

  async start(): Promise<void> {
    await this.sender.start()
    await this.startReceiver()
    this.network.connectAll()
  }

  async startReceiver(): Promise<void> {
    await this.receiver.start(batch => {
      if (batch.id !== 0) this.held.push(batch)
      this.onBatch(batch)
    })
  }

  /** kill -9 and a new process in its place. */
  async restartReceiver(): Promise<void> {
    this.network.killReceiver()
    this.held.length = 0
    this.#turn = []
    this.receiver = this.#newReceiver()
    await this.startReceiver()
  }

  #newReceiver(): LinkReceiver {
    const { clock, network } = this
    const soon = (callback: () => void): void => void this.#turn.push(callback)
    return createLinkReceiver(
      { endpoint: this.#endpoint, ...this.#config },
      { clock, soon, bind: network.bind, ...this.#receiverDeps }
    )
  }

  /** End the turn: acknowledgements that are due leave. */
  turn(): void {
    const callbacks = this.#turn
    this.#turn = []
    for (const callback of callbacks) callback()
  }

  /** Deliver everything both ways, time standing still, until nothing moves. */
  deliver(): void {
    this.network.connectAll()
    let isMoving = true
    for (let round = 0; isMoving; round++) {
      if (round > 1000) throw new Error('the ends never fall silent')
      isMoving = false
      while (this.network.deliverUp()) isMoving = true
      this.turn()
      while (this.network.deliverDown()) isMoving = true
    }
  }

  settleAll(): void {
    for (const batch of this.held.splice(0)) batch.settle()
  }

  /** Let everything through and settle it, time passing, until the sender's window is empty. */
  drain(): void {
    for (let round = 0; round < 200 && this.sender.stats.records.inWindow > 0; round++) {
      this.clock.advance(100)
      this.deliver()
      this.settleAll()
      this.deliver()
    }
  }
}
