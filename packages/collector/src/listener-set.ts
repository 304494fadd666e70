import { randomBytes } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { Listener } from '@weir/config'
import { CodedError, errorCode, errorMessage, exitCodes } from '@weir/runtime'
import type { Clock, Log } from '@weir/runtime'
import type { AllowList } from './allow-list.ts'
import type { EventOutlet } from './event-outlet.ts'
import type { ExporterPolicies } from './exporter-policies.ts'
import type { ExporterTable } from './exporter.ts'
import type { Forwarder } from './forwarder.ts'
import type { Intake } from './intake.ts'
import { readUdpTables } from './kernel-drops.ts'
import type { Ledger } from './ledger.ts'
import type { ListenerStates } from './listener-states.ts'
import { overlaps, planListeners } from './listener-plan.ts'
import type { ListenerPlan } from './listener-plan.ts'
import type { PenaltyBox } from './penalty-box.ts'
import { loadQuietly, RecvmmsgReader } from './recvmmsg.ts'
import type { Recollection } from './recollection.ts'
import type { Session } from './session.ts'
import type { SessionTable } from './session-table.ts'
import { finishTcp, stopIntake } from './stop-intake.ts'
import type { TcpGate } from './tcp-gate.ts'
import { TcpListener } from './tcp-listener.ts'
import type { TcpLimits } from './tcp-listener.ts'
import { UdpIntake } from './udp-intake.ts'
import { UdpListener } from './udp-listener.ts'

/**
 * What a listener does. `paused`: nothing is read. `draining`: no new sessions, and those that are there go on until they end.
 * `drained`: it has no socket any more. `closing`: not wanted any more; what its peers have sent is read.
 */
export type ListenerState = 'serving' | 'paused' | 'draining' | 'drained' | 'closing'

export interface UdpPart {
  readonly listener: UdpListener
  readonly intake: UdpIntake
}

type Part = { readonly udp: UdpPart; readonly tcp?: never } | { readonly tcp: TcpListener; readonly udp?: never }

interface Member {
  config: Listener
  readonly part: Part
  state: ListenerState
}

export interface ListenerSetDeps {
  readonly intake: Intake
  readonly sessions: SessionTable
  readonly recollection: Recollection
  readonly exporters: ExporterTable
  readonly policies: ExporterPolicies
  readonly forwarder: Forwarder
  readonly penalties: PenaltyBox
  readonly allow: AllowList
  readonly gate: TcpGate
  readonly ledger: Ledger
  readonly outlet: EventOutlet
  readonly clock: Clock
  readonly log: Log
  readonly limits: TcpLimits
  readonly states: ListenerStates
  /** L-90; read anew whenever it is asked about. */
  readonly shutdown: { readonly tcpReadMs: number; readonly udpSilenceMs: number }
}

/** Names of listeners that are gone whose kernel drops are still told. */
const MAX_FORMER = 256

/**
 * The listeners of a collector. They are opened and closed while it runs: those that stay the same never notice. One change at
 * a time; a change is done as a whole, or nothing is.
 */
export class ListenerSet {
  /** In the order of the configuration. Read only. */
  readonly udp: UdpPart[] = []
  readonly tcp: TcpListener[] = []
  /** Not wanted any more, and still reading what their peers have sent. */
  readonly closing = new Map<TcpListener, Promise<void>>()
  /** Kernel drops of UDP listeners that are gone, by name: what was lost stays in the account. */
  readonly formerDrops = new Map<string, number>()
  readonly #deps: ListenerSetDeps
  readonly #runId = randomBytes(4).toString('hex')
  readonly #members = new Map<string, Member>()
  /** Opened, not read, for a change that is to come. */
  #staged: Member[] = []
  #reader: Promise<RecvmmsgReader | undefined> | undefined
  #queue: Promise<unknown> = Promise.resolve()
  #isStarting = false
  #isStopped = false

  constructor(deps: ListenerSetDeps) {
    this.#deps = deps
  }

  /** Of one that is there, by its name in the configuration. */
  stateOf(name: string): ListenerState {
    return this.#members.get(name)?.state ?? 'closing'
  }

  /** Listeners by what they do. */
  get counts(): Record<ListenerState, number> {
    const counts = { serving: 0, paused: 0, draining: 0, drained: 0, closing: this.closing.size }
    for (const { state } of this.#members.values()) counts[state]++
    return counts
  }

  /** All that have TCP connections. */
  *connected(): Generator<TcpListener> {
    yield* this.tcp
    yield* this.closing.keys()
  }

  /** Serve these for the first time, as they were told in an earlier life. @throws UnavailableError with the system's code */
  async start(listeners: readonly Listener[]): Promise<void> {
    this.#isStarting = true
    try {
      await this.set(listeners)
      this.#isStarting = false
      // Taken out while no collector was there: one that gets the name later is another one.
      await this.#deps.states.keepOnly(name => this.#members.has(name))
    } catch (error) {
      throw error instanceof CodedError && error.code === 'LISTENER_REFUSED' ? error.cause : error
    }
  }

  /**
   * Open what a change will want, without reading from it, so that a port that is taken is known before anything is changed.
   * What was prepared before is given up.
   *
   * @throws CodedError LISTENER_REFUSED; then nothing is prepared.
   */
  prepare(wanted: readonly Listener[]): Promise<void> {
    return this.#inTurn(async () => {
      await this.#discardStaged()
      const plan = this.#planOf(wanted)
      this.#staged = await this.#openAll(
        plan.open.filter(listener => !plan.after.has(listener)),
        wanted
      )
    })
  }

  /**
   * Serve these and no others. New ones are opened first, then those that are not wanted any more are closed: UDP is read empty,
   * TCP peers are asked to end and what they have sent is read. A UDP listener that moves takes its sessions along.
   *
   * @param wanted - the whole list, checked.
   * @throws CodedError LISTENER_REFUSED with the listener and why; then all is as before.
   */
  set(wanted: readonly Listener[]): Promise<void> {
    return this.#inTurn(async () => {
      const plan = this.#planOf(wanted)
      const opened = await this.#open(plan, wanted)
      for (const config of plan.retune) await this.#retune(config)
      const former = [...plan.close].map(name => this.#members.get(name)!)
      for (const member of former) this.#members.delete(member.config.name)
      const kept = [...this.#members.values()]
      this.#members.clear()
      for (const { name } of wanted) {
        const member = opened.find(each => each.config.name === name) ?? kept.find(each => each.config.name === name)!
        this.#members.set(name, member)
      }
      this.#list()
      await Promise.all(former.map(member => this.#close(member)))
      for (const member of opened) await this.#serve(member)
    })
  }

  /** Read nothing more of it; what comes waits in the kernel. @throws CodedError NOT_FOUND, LISTENER_STATE */
  pause(name: string): Promise<void> {
    return this.#inTurn(async () => {
      const member = this.#member(name)
      if (member.state === 'paused') return
      if (member.state !== 'serving') throw wrongState(member, 'paused; resume opens it again')
      const { udp, tcp } = member.part
      tcp?.hold()
      if (udp?.listener.hold() === false) throw wrongState(member, 'paused: this socket cannot be told not to read')
      this.#become(member, 'paused')
      await this.#deps.states.set(name, 'paused')
    })
  }

  /** Read again, or open it again. @throws CodedError NOT_FOUND, LISTENER_REFUSED */
  resume(name: string): Promise<void> {
    return this.#inTurn(async () => {
      const member = this.#member(name)
      const listener = listenerOf(member.part)
      if (!listener.isOpen) await this.#bind(member, [...this.#members.keys()].indexOf(name), false)
      listener.release()
      this.#become(member, 'serving')
      await this.#deps.states.set(name, undefined)
    })
  }

  /** Take no new sessions. UDP is read empty and closed; TCP sessions go on until they end. @throws CodedError NOT_FOUND */
  drain(name: string): Promise<void> {
    return this.#inTurn(async () => {
      const member = this.#member(name)
      if (member.state === 'draining' || member.state === 'drained') return
      const { udp, tcp } = member.part
      if (udp !== undefined) await vacate(udp)
      tcp?.stopAccepting()
      tcp?.release()
      this.#become(member, 'draining')
      this.#look(member)
      await this.#deps.states.set(name, 'drained')
    })
  }

  /** Once a second: time-outs, kernel drops, whether what is to end has ended. */
  tick(nowMs: number): void {
    for (const listener of this.connected()) listener.sweep(nowMs)
    for (const member of this.#members.values()) this.#look(member)
    if (this.udp.length === 0) return
    const tables = readUdpTables()
    for (const { listener } of this.udp) listener.readKernelDrops(tables)
  }

  /** The link has room again. */
  resumeReading(): void {
    for (const listener of this.connected()) listener.resume()
  }

  /** Stop accepting, read what is on its way, close. What waits at paused listeners is read too. */
  async stop(tcpReadMs: number): Promise<void> {
    await this.#inTurn(() => this.#discardStaged())
    this.#isStopped = true
    for (const { listener } of this.udp) listener.release()
    for (const listener of this.tcp) listener.release()
    const { clock, shutdown } = this.#deps
    const tcp = [...this.connected()]
    await stopIntake({ udp: this.udp, tcp, clock, tcpReadMs, udpSilenceMs: shutdown.udpSilenceMs })
    await Promise.all(this.closing.values())
  }

  /** @throws Error for what is asked once it has been stopped */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#queue.then(() => {
      if (this.#isStopped) throw new CodedError('STOPPING', 'The collector is stopping.', exitCodes.failed)
      return work()
    })
    this.#queue = done.catch(() => undefined)
    return done
  }

  #planOf(wanted: readonly Listener[]): ListenerPlan {
    return planListeners(
      [...this.#members.values()].map(({ config, part }) => ({ config, port: listenerOf(part).port })),
      wanted
    )
  }

  /** Open what is new; of those that stand in its way first the sockets are given up, and opened again if that was in vain. */
  async #open({ open, after, close }: ListenerPlan, wanted: readonly Listener[]): Promise<Member[]> {
    const staged = this.#staged.filter(({ config }) => open.some(each => isDeepStrictEqual(each, config)))
    const useless = this.#staged.filter(member => !staged.includes(member))
    this.#staged = []
    await closeAll(useless)
    const isStaged = (listener: Listener): boolean => staged.some(({ config }) => isDeepStrictEqual(config, listener))
    let opened = staged
    try {
      opened = [
        ...opened,
        ...(await this.#openAll(
          open.filter(each => !after.has(each) && !isStaged(each)),
          wanted
        ))
      ]
    } catch (error) {
      await closeAll(staged)
      throw error
    }
    if (after.size === 0) return opened
    const inTheWay = ({ config, part }: Member): boolean => {
      const { isOpen, port } = listenerOf(part)
      return isOpen && [...after].some(listener => overlaps({ config, port }, listener))
    }
    const vacated = [...close].map(name => this.#members.get(name)!).filter(inTheWay)
    for (const { part } of vacated) {
      if (part.udp !== undefined) await vacate(part.udp)
      part.tcp?.stopAccepting()
    }
    try {
      return [...opened, ...(await this.#openAll([...after], wanted))]
    } catch (error) {
      await closeAll(opened)
      for (const member of vacated) await this.#reopen(member)
      throw error
    }
  }

  /** @throws CodedError LISTENER_REFUSED; then none of them is open. */
  async #openAll(listeners: readonly Listener[], wanted: readonly Listener[]): Promise<Member[]> {
    const opened: Member[] = []
    for (const config of listeners) {
      const member: Member = { config, part: await this.#make(config), state: 'serving' }
      // Its port may be another's by now.
      if (this.#isStarting && this.#deps.states.get(config.name) === 'drained') {
        opened.push(member)
        continue
      }
      try {
        await this.#bind(member, wanted.indexOf(config), true)
      } catch (error) {
        await closeAll(opened)
        throw error
      }
      opened.push(member)
    }
    return opened
  }

  async #bind({ config, part }: Member, index: number, isHeld: boolean): Promise<void> {
    try {
      await listenerOf(part).start(isHeld)
    } catch (error) {
      throw refused(config, index, error)
    }
  }

  async #reopen(member: Member): Promise<void> {
    try {
      await this.#bind(member, 0, member.state === 'paused')
    } catch (error) {
      this.#deps.log.error('listener_lost', 'a listener could not be opened again: resume it when its port is free', {
        listener: member.config.name,
        reason: errorMessage(error)
      })
      this.#become(member, 'drained')
    }
  }

  async #make(config: Listener): Promise<Part> {
    const { intake, sessions, exporters, policies, forwarder, penalties, allow, gate, ledger, clock, log, limits } =
      this.#deps
    const former = this.#members.get(config.name)?.part
    if (config.transport === 'tcp') {
      const deps = { intake, sessions, exporters, forwarder, allow, gate, ledger, clock, log, runId: this.#runId }
      return { tcp: new TcpListener(config, limits, deps, former?.tcp?.counters) }
    }
    const sink =
      former?.udp?.intake ??
      new UdpIntake(
        { listener: config.name },
        { intake, sessions, exporters, allow, policies, penalties, ledger, clock, log }
      )
    return {
      udp: { listener: new UdpListener(config, { sink, reader: await this.#readerFor(config), log }), intake: sink }
    }
  }

  async #readerFor(config: Listener): Promise<RecvmmsgReader | undefined> {
    if (config.transport !== 'udp' || config.socket === 'dgram') return undefined
    this.#reader ??= loadQuietly().then(library => {
      if (typeof library !== 'string') return new RecvmmsgReader(library)
      this.#deps.log.info('udp_socket_dgram', 'UDP is read one datagram at a time: recvmmsg is not to be had', {
        reason: library
      })
      return undefined
    })
    return this.#reader
  }

  async #retune(config: Listener): Promise<void> {
    const member = this.#member(config.name)
    member.config = config
    const { udp, tcp } = member.part
    if (config.transport === 'tcp') tcp!.retune(config)
    else udp!.listener.retune(config, await this.#readerFor(config))
    this.#deps.log.info('listener_changed', 'a listener was changed in place', { listener: config.name })
    this.#tell(config.name, 'changed')
  }

  async #close(member: Member): Promise<void> {
    const { part, config } = member
    const { log, sessions, clock, shutdown } = this.#deps
    if (part.udp !== undefined) {
      const { listener, intake } = part.udp
      await vacate(part.udp)
      const next = this.#members.get(config.name)?.part.udp
      if (next?.intake === intake) next.listener.succeed(listener)
      else {
        this.#keepDrops(config.name, listener.kernelDrops)
        const isOfIt = ({ transport, identity }: Session): boolean =>
          transport === 'udp' && identity.listener === config.name
        const ended = [...sessions.values()].filter(isOfIt)
        const domains = ended.flatMap(session => [...session.domains.values()])
        for (const session of ended) sessions.close(session, false)
        // Where it is opened again, it goes on with the templates that it had.
        await this.#deps.recollection.keep(domains)
      }
    } else {
      const listener = part.tcp
      listener.stopAccepting()
      const done = finishTcp(listener, clock, shutdown.tcpReadMs).then(() => void this.closing.delete(listener))
      this.closing.set(listener, done)
    }
    if (!this.#members.has(config.name)) await this.#deps.states.set(config.name, undefined)
    const { transport, address, port } = config
    log.info('listener_closed', 'a listener was closed', { listener: config.name, transport, address, port })
    this.#tell(config.name, 'closed')
  }

  async #serve(member: Member): Promise<void> {
    const { part, config } = member
    const { states } = this.#deps
    const told = this.#isStarting ? states.get(config.name) : undefined
    if (told !== undefined) return this.#become(member, told)
    await states.set(config.name, undefined)
    const listener = listenerOf(part)
    listener.release()
    const socket = part.udp === undefined ? {} : { socket: part.udp.listener.socketKind }
    this.#deps.log.info('listening', `${config.transport.toUpperCase()} listener`, {
      listener: config.name,
      address: config.address,
      port: listener.port,
      ...socket
    })
    this.#tell(config.name, 'opened')
  }

  #keepDrops(name: string, drops: number): void {
    if (drops === 0) return
    this.formerDrops.set(name, (this.formerDrops.get(name) ?? 0) + drops)
    if (this.formerDrops.size <= MAX_FORMER) return
    const [oldest, count] = this.formerDrops.entries().next().value!
    this.formerDrops.delete(oldest)
    this.formerDrops.set('(others)', (this.formerDrops.get('(others)') ?? 0) + count)
  }

  async #discardStaged(): Promise<void> {
    await closeAll(this.#staged.splice(0))
  }

  #list(): void {
    const parts = [...this.#members.values()].map(({ part }) => part)
    this.udp.splice(0, Infinity, ...parts.flatMap(({ udp }) => udp ?? []))
    this.tcp.splice(0, Infinity, ...parts.flatMap(({ tcp }) => tcp ?? []))
  }

  /** Whether what is to end has ended. */
  #look(member: Member): void {
    if (member.state !== 'draining') return
    const { tcp } = member.part
    if (tcp === undefined || tcp.connections.size + tcp.lobby.strangers.size === 0) this.#become(member, 'drained')
  }

  #become(member: Member, state: ListenerState): void {
    if (member.state === state) return
    member.state = state
    this.#deps.log.info('listener_state', `a listener is ${state}`, { listener: member.config.name })
    this.#tell(member.config.name, state)
  }

  #tell(listener: string, state: string): void {
    this.#deps.outlet.tell('listener_changed', this.#deps.clock.monotonicMs(), () => ({ listener, state }))
  }

  #member(name: string): Member {
    const member = this.#members.get(name)
    if (member !== undefined) return member
    throw new CodedError('NOT_FOUND', `There is no listener ${name}.`, exitCodes.failed, { name })
  }
}

const listenerOf = (part: Part): UdpListener | TcpListener => (part.udp === undefined ? part.tcp : part.udp.listener)

/** Give its socket up, with nothing left in it. */
async function vacate({ listener }: UdpPart): Promise<void> {
  await listener.readEmpty()
  await listener.stop()
}

/** Close what was opened in vain: nothing was read of it. */
async function closeAll(members: readonly Member[]): Promise<void> {
  for (const { part } of members) {
    await part.udp?.listener.stop()
    part.tcp?.stopAccepting()
  }
}

function refused(config: Listener, index: number, error: unknown): CodedError {
  const message = errorMessage(error)
  const key = ['EADDRNOTAVAIL', 'EAFNOSUPPORT'].includes(errorCode(error) ?? '') ? 'address' : 'port'
  const path = `collector.listeners[${index}].${key}`
  const issue = {
    path,
    message: `${message} (${errorCode(error) ?? 'unknown'})`,
    allowed: 'an address of this machine and a port that is free'
  }
  return new CodedError(
    'LISTENER_REFUSED',
    message,
    exitCodes.failed,
    { listener: config.name, issues: [issue] },
    error
  )
}

const wrongState = ({ config, state }: Member, wanted: string): CodedError =>
  new CodedError('LISTENER_STATE', `Listener ${config.name} is ${state}, and cannot be ${wanted}.`, exitCodes.failed)
