import { readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { chunksOf, expansionBound, formatByName } from '@weir/analysis/files'
import { replayTraffic } from '@weir/analysis/replay'
import type { ReplayInput, ReplayReport, ReplayRequest } from '@weir/analysis/replay'
import type { TaskFile, TaskResult } from '@weir/analysis'
import { TargetPolicy, parseEndpoint } from '@weir/config'
import type { Endpoint } from '@weir/config'
import { CodedError, exitCodes } from '@weir/runtime'
import type { JobContext } from '../task-surroundings.ts'
import type { ReplayParams, SandboxDestination } from './replay-params.ts'
import { DESTINATION_ID } from './sandbox-document.ts'
import { SandboxFeed } from './sandbox-feed.ts'
import { Sandbox } from './sandbox.ts'

/** Recorded Messages sent once more, as they were. */
export function runReplay(params: ReplayParams, context: JobContext): Promise<TaskResult> {
  const { to } = params
  return 'url' in to ? replayToUrl(to.url, params, context) : replayToSandbox(to.sandbox.destination, params, context)
}

async function replayToUrl(url: string, params: ReplayParams, context: JobContext): Promise<TaskResult> {
  const policy = new TargetPolicy(context.surroundings.policy)
  const { scheme, host, port } = targetOf(url, policy)
  const report = await replay(params, context, {
    to: { transport: scheme as 'udp' | 'tcp', host, port },
    // Undefined for what the file names: its owner's word.
    socket: { allows: policy.checkOf(host, port), isReconnecting: false }
  })
  return { files: [await writeJson(context, 'replay.json', report)], summary: summaryOf(report) }
}

/** @throws CodedError TARGET_DENIED for what shows without looking names up. */
function targetOf(url: string, policy: TargetPolicy): Endpoint {
  const endpoint = parseEndpoint(url, ['udp', 'tcp'], 4739)
  if (typeof endpoint === 'string') {
    throw new CodedError('TARGET_INVALID', `The target is wrong: ${endpoint}.`, exitCodes.badInput)
  }
  const [issue] = policy.issuesOfUrl(url, 'to')
  if (issue === undefined) return endpoint
  const message = `The target is not allowed: ${issue.message}; give ${issue.allowed ?? 'another one'}.`
  throw new CodedError('TARGET_DENIED', message, exitCodes.badInput)
}

async function replayToSandbox(
  destination: SandboxDestination,
  params: ReplayParams,
  context: JobContext
): Promise<TaskResult> {
  const { outputFolder, surroundings, signal } = context
  const { report, ledger, exporters, lostMessages } = await Sandbox.with(
    destination,
    outputFolder,
    surroundings,
    signal,
    async its => {
      const feed = new SandboxFeed(its)
      const sent = await replay(params, context, { to: feed.routeOf, onSent: feed.onSent })
      const settled = await its.untilSettled(sent.messages)
      return { report: sent, ledger: settled, exporters: feed.exporters, lostMessages: its.lost }
    }
  )
  const { equations, collector, mediator } = ledger
  const broken = equations.find(({ holds }) => !holds)
  if (broken !== undefined) throw new Error(`the ledger of the pipeline does not close: ${JSON.stringify(broken)}`)
  const files = await flowFiles(outputFolder)
  const { sent, filtered, dropped } = mediator!.destinations[DESTINATION_ID]!
  return {
    files: [
      ...files,
      await writeJson(context, 'ledger.json', { ...ledger, exporters }),
      await writeJson(context, 'replay.json', report)
    ],
    summary: {
      records: sent,
      filteredRecords: filtered,
      droppedRecords: Object.values(dropped).reduce((sum, each) => sum + each, 0),
      setsWithoutTemplate: collector!.dataSets.pending,
      lost: collector!.sequence.lost,
      lostMessages,
      exporters: Object.keys(exporters).length,
      ...summaryOf(report)
    }
  }
}

/** Send all inputs once. @throws CodedError NOTHING_SENT; the signal's reason. */
async function replay(
  { speed, rate, restamp }: ReplayParams,
  { inputs, limits, signal, progress }: JobContext,
  way: Pick<ReplayRequest, 'to' | 'socket' | 'onSent'>
): Promise<ReplayReport> {
  const octetsTotal = inputs.reduce((sum, { octets }) => sum + octets, 0)
  let octetsRead = 0
  let messages = 0
  const tell = (): void => progress({ octetsRead, octetsTotal, records: messages })
  const files = inputs.map(({ name, path }): ReplayInput => ({
    name,
    format: formatByName(name) === 'auto-datagram' ? 'auto-datagram' : 'auto',
    chunks: () =>
      chunksOf({ path, name, bound: expansionBound(name, limits.expansion) }, octets => {
        octetsRead += octets
        tell()
      })
  }))
  const onSent: ReplayRequest['onSent'] = sent => {
    messages = sent.report.messages
    tell()
    return way.onSent?.(sent)
  }
  const pace = { speed, rate, isRestamping: restamp, isLooping: false }
  const report = await replayTraffic({ ...way, ...pace, inputs: files, onSent }, signal)
  signal.throwIfAborted()
  if (report.messages > 0) return report
  const names = inputs.map(({ name }) => name).join(', ')
  const message = `Nothing in ${names} could be sent: captures (pcap, pcapng) and IPFIX Files with NetFlow or IPFIX are read, and only IPFIX goes over TCP.`
  throw new CodedError('NOTHING_SENT', message, exitCodes.badInput)
}

const summaryOf = ({ messages, octets, sessions, unsuited, damagedFiles, seconds }: ReplayReport) => ({
  messages,
  octets,
  sessions,
  unsuited,
  damagedFiles,
  seconds
})

async function flowFiles(folder: string): Promise<TaskFile[]> {
  const names = (await readdir(folder)).toSorted()
  return Promise.all(
    names.map(async name => ({
      name,
      mediaType: name.endsWith('.ndjson') ? 'application/x-ndjson' : 'application/octet-stream',
      octets: (await stat(join(folder, name))).size
    }))
  )
}

async function writeJson({ outputFolder }: JobContext, name: string, value: object): Promise<TaskFile> {
  const content = Buffer.from(`${JSON.stringify(value, undefined, 2)}\n`)
  await writeFile(join(outputFolder, name), content, { flag: 'wx' })
  return { name, mediaType: 'application/json', octets: content.length }
}
