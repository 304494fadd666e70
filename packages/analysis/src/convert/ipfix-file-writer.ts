import { MessageWriter, messageHeaderOctets } from '@weir/ipfix'
import { recordEnd } from '@weir/mediation'
import { CodedError, exitCodes } from '@weir/runtime'
import { RunNormaliser } from '../input/run-normaliser.ts'
import type { ElementRegistry, Layout } from '@weir/ipfix'
import type { IpfixPlan } from '@weir/mediation'
import type { FlowRun } from '../input/flow-run.ts'
import type { NormalRecords } from '../input/run-normaliser.ts'
import type { OutputFile } from '../output/output-file.ts'

const FIRST_TEMPLATE_ID = 256
const LAST_TEMPLATE_ID = 65_535

/** What one Observation Domain of the file has said. */
interface FileDomain {
  readonly odid: number
  readonly idOf: Map<Layout, number>
  nextId: number
  /** Layouts that are to be announced before the next record. */
  readonly pending: Layout[]
  sequence: number
}

/**
 * Normalised records as an IPFIX File (RFC 5655): Messages of one Observation Domain each, with the Export Time that the
 * records came with and the number of the domain they came from; each template once, before its first record. Domains of
 * several exporters that have the same number share one: lineage tells them apart.
 */
export class IpfixFileWriter {
  readonly #file: OutputFile
  readonly #normaliser: RunNormaliser
  readonly #writer = new MessageWriter()
  readonly #domains = new Map<number, FileDomain>()
  #domain: FileDomain | undefined
  #exportTimeSec = 0
  #isOpen = false
  #records = 0
  #run: FlowRun | undefined

  constructor(plan: IpfixPlan, file: OutputFile, registry: ElementRegistry) {
    this.#file = file
    this.#normaliser = new RunNormaliser(plan, registry)
  }

  /** Records that could not be written: no Message is long enough. */
  get failedRecords(): number {
    return this.#normaliser.failedRecords
  }

  get filteredRecords(): number {
    return this.#normaliser.filteredRecords
  }

  /** Data Records, or records of options. */
  run(run: FlowRun): void {
    const { context } = run
    const { odid, exportTimeSec } = context
    if (this.#domain?.odid !== odid || this.#exportTimeSec !== exportTimeSec) {
      this.#close()
      this.#domain = this.#domainOf(odid)
      this.#exportTimeSec = exportTimeSec
    }
    this.#run = run
    context.templateIds = this.#templateIds
    this.#normaliser.run(run, this.#take)
  }

  end(): void {
    this.#close()
  }

  readonly #templateIds = {
    exportedId: (templateId: number): number => this.#exportedId(templateId),
    layoutOf: (templateId: number): Layout | undefined => this.#run?.context.domain.templates.get(templateId)
  }

  /** Lists (RFC 6313) hold records in their original form; templateId (145) speaks of the normalised one. */
  #exportedId(templateId: number): number {
    const { context, layout } = this.#run!
    const named = context.domain.templates.get(templateId)
    if (named === undefined) return 0
    const isNormalised = layout.namesTemplates && !layout.hasLists
    const target = isNormalised ? this.#normaliser.outputOf(named, context) : named
    return target === undefined ? 0 : this.#idOf(target)
  }

  readonly #take = ({ layout, octets, endOffset }: NormalRecords): void => {
    const id = this.#idOf(layout!)
    this.#announce()
    for (let at = 0; at < endOffset;) {
      this.#open()
      at = this.#addRecords(id, layout!, octets, at, endOffset)
    }
  }

  /** @returns where the records begin that did not fit; the Message is closed then. */
  #addRecords(id: number, layout: Layout, octets: Uint8Array, offset: number, endOffset: number): number {
    const { recordLength } = layout
    const writer = this.#writer
    let next = recordEnd(layout, octets, offset, endOffset)
    if (recordLength > 0) {
      // A Set that is not open yet takes 4 octets of the room.
      const fit = Math.floor((writer.roomOctets - 4) / recordLength) * recordLength
      next = Math.max(next, Math.min(endOffset, offset + fit))
    }
    if (writer.data(id, octets, offset, next - offset)) {
      this.#records += recordLength > 0 ? (next - offset) / recordLength : 1
      return next
    }
    if (writer.lengthOctets === messageHeaderOctets) throw tooLong(next - offset)
    this.#close()
    return offset
  }

  #announce(): void {
    const { pending, idOf } = this.#domain!
    for (const layout of pending.splice(0)) {
      this.#open()
      if (this.#writer.template(idOf.get(layout)!, layout)) continue
      this.#close()
      this.#open()
      if (!this.#writer.template(idOf.get(layout)!, layout)) throw tooLong(layout.templateOctets)
    }
  }

  #idOf(layout: Layout): number {
    const domain = this.#domain!
    const known = domain.idOf.get(layout)
    if (known !== undefined) return known
    const id = domain.nextId++
    if (id > LAST_TEMPLATE_ID) {
      const message = `Observation Domain ${domain.odid} has more than 65,280 templates; convert fewer files at a time`
      throw new CodedError('TASK_LIMIT', message, exitCodes.badInput, { limit: 'templates' })
    }
    domain.idOf.set(layout, id)
    domain.pending.push(layout)
    return id
  }

  #domainOf(odid: number): FileDomain {
    const known = this.#domains.get(odid)
    if (known !== undefined) return known
    const domain = { odid, idOf: new Map<Layout, number>(), nextId: FIRST_TEMPLATE_ID, pending: [], sequence: 0 }
    this.#domains.set(odid, domain)
    return domain
  }

  #open(): void {
    if (this.#isOpen) return
    const { odid, sequence } = this.#domain!
    this.#writer.begin({ exportTimeSec: this.#exportTimeSec, sequence, odid })
    this.#isOpen = true
    this.#records = 0
  }

  #close(): void {
    if (!this.#isOpen) return
    this.#file.write(this.#writer.end())
    this.#domain!.sequence = (this.#domain!.sequence + this.#records) >>> 0
    this.#isOpen = false
  }
}

const tooLong = (octets: number): CodedError =>
  new CodedError(
    'TASK_LIMIT',
    `A record of ${octets} octets fits into no IPFIX Message; leave fields out`,
    exitCodes.badInput,
    {
      octets
    }
  )
