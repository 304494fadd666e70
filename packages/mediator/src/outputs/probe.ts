import { createSocket } from 'node:dgram'
import { constants } from 'node:fs'
import { open, rm, stat } from 'node:fs/promises'
import { connect, isIP } from 'node:net'
import { dirname, join } from 'node:path'
import { randomUUID } from 'node:crypto'
import { errorCode } from '@weir/runtime'
import { failureClassOf } from './failure-class.ts'
import { checkPath } from './guarded-path.ts'
import { guardedLookup } from './guarded-lookup.ts'
import type { AddressCheck, PathCheck } from '@weir/config'
import type { FailureClass } from './failure-class.ts'
import type { Lookup } from './guarded-lookup.ts'

/** What is tried. */
export type ProbeTarget =
  | { readonly kind: 'tcp' | 'udp'; readonly host: string; readonly port: number }
  /** A file that is appended to, or, where `isFolder`, a folder in which files are made. */
  | { readonly kind: 'file'; readonly path: string; readonly isFolder: boolean }
  | { readonly kind: 'stream' }

/** What a try has shown. */
export interface ProbeResult {
  /** `unknown`: there is a way, but UDP does not tell whether somebody listens. */
  readonly reachable: 'yes' | 'no' | 'unknown'
  /** The address that the name stands for now; null for files, and where there is none. */
  readonly address: string | null
  readonly failure: FailureClass | null
}

export interface ProbeDeps {
  /** Default `lookup` of node:dns. */
  readonly lookup?: Lookup | undefined
  /** Which addresses may be connected to, or real paths written to; undefined = all. */
  readonly allows?: AddressCheck | PathCheck
  readonly timeoutMs: number
}

/** Thrown when a try takes longer than it may. */
class ProbeTimeout extends Error {
  readonly code = 'ETIMEDOUT'
}

/**
 * Try whether a destination can be reached, apart from the session that it has: TCP is connected and closed, UDP is given a way and
 * sent nothing, a file is opened and not written to.
 */
export async function probe(target: ProbeTarget, deps: ProbeDeps): Promise<ProbeResult> {
  let address: string | null = null
  const work = async (signal: AbortSignal): Promise<ProbeResult['reachable']> => {
    switch (target.kind) {
      case 'stream':
        return 'yes'
      case 'file':
        checkPath(target.path, deps.allows)
        await openFile(target.path, target.isFolder)
        return 'yes'
      case 'tcp':
      case 'udp':
        address = await addressOf(target.host, guardedLookup(deps.allows, deps.lookup))
        // An answer that comes too late leads nowhere: nobody would close what is opened then.
        signal.throwIfAborted()
        if (target.kind === 'tcp') await connectTcp(address, target.port, signal)
        else await connectUdp(address, target.port, signal)
        return target.kind === 'tcp' ? 'yes' : 'unknown'
    }
  }
  try {
    const reachable = await inTime(work, deps.timeoutMs)
    return { reachable, address, failure: null }
  } catch (error) {
    return { reachable: 'no', address, failure: failureClassOf(error) }
  }
}

async function inTime<T>(work: (signal: AbortSignal) => Promise<T>, timeoutMs: number): Promise<T> {
  const ended = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new ProbeTimeout()), timeoutMs)
  })
  try {
    return await Promise.race([work(ended.signal), late])
  } finally {
    clearTimeout(timer)
    ended.abort()
  }
}

function addressOf(host: string, find: Lookup): Promise<string> {
  return new Promise((resolve, reject) => {
    find(host, { all: true }, (error, addresses) => {
      if (error !== null) reject(error)
      else resolve(addresses[0]!.address)
    })
  })
}

function connectTcp(host: string, port: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port })
    const end = (): void => void socket.destroy()
    signal.addEventListener('abort', end)
    socket.on('error', reject)
    socket.on('connect', () => {
      resolve()
      // FIN, not a reset: the other side sees a session without a Message.
      socket.end()
    })
  })
}

function connectUdp(host: string, port: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(isIP(host) === 6 ? 'udp6' : 'udp4')
    signal.addEventListener('abort', () => socket.close())
    socket.on('error', reject)
    socket.connect(port, host, resolve)
  })
}

const { O_APPEND, O_NONBLOCK, O_WRONLY } = constants

async function openFile(path: string, isFolder: boolean): Promise<void> {
  if (!isFolder) {
    try {
      // A FIFO that nobody reads fails at once so.
      await (await open(path, O_WRONLY | O_APPEND | O_NONBLOCK)).close()
      return
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error
    }
  }
  const folder = await existing(isFolder ? path : dirname(path))
  const trial = join(folder, `.weir-${randomUUID()}`)
  await (await open(trial, 'wx', 0o600)).close()
  await rm(trial)
}

/** The folder, or the nearest above it that is there: what is missing is made at the first record. */
async function existing(folder: string): Promise<string> {
  for (let at = folder; ; at = dirname(at)) {
    try {
      await stat(at)
      return at
    } catch (error) {
      if (errorCode(error) !== 'ENOENT' || dirname(at) === at) throw error
    }
  }
}
