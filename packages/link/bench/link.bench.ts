/**
 * The data channel between two processes: records of 74 octets, 18 an entry (1,332 octets), walked and settled at once.
 *
 *   node packages/link/bench/link.bench.ts [--channel zeromq|unix] [--batch 65664,131072,262144] [--window N]
 *     [--records N] [--repeat N]
 *
 * Case ids: `link/<channel>/<batch octets>x<window>`. CPU is that of all threads of both processes (zeromq's included), from the first
 * record to the last settlement; RSS is the peak of each process.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { LayoutTable } from '@weir/ipfix'
import { createLinkReceiver, createLinkSender, type LinkSender } from '../src/index.ts'
import { bindUnix, connectUnix } from '../src/unix-channel.ts'

const RECORD_OCTETS = 74
const RECORDS_PER_ENTRY = 18
const ENTRIES_PER_TURN = 800

interface Case {
  endpoint: string
  channel: string
  batchOctets: number
  windowBatches: number
  records: number
}

interface Outcome {
  records: number
  seconds: number
  cpuSeconds: number
  maxRssMib: number
}

const cpuSeconds = (since?: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(since)
  return (user + system) / 1e6
}

const outcome = (records: number, startMs: number, since: NodeJS.CpuUsage): Outcome => ({
  records,
  seconds: (performance.now() - startMs) / 1000,
  cpuSeconds: cpuSeconds(since),
  maxRssMib: process.resourceUsage().maxRSS / 1024
})

async function receive({ endpoint, channel, batchOctets, windowBatches }: Case): Promise<void> {
  const receiver = createLinkReceiver(
    { endpoint, batchOctets, windowBatches },
    channel === 'unix' ? { bind: bindUnix } : {}
  )
  let records = 0
  let octets = 0
  let startMs = performance.now()
  let since = process.cpuUsage()
  await receiver.start(batch => {
    if (records === 0) {
      startMs = performance.now()
      since = process.cpuUsage()
    }
    const { entries } = batch
    while (entries.next()) {
      records += entries.records
      octets += entries.lengthOctets
    }
    batch.settle()
  })
  process.on('message', () => {
    if (octets !== records * RECORD_OCTETS) throw new Error('octets are missing')
    process.send?.(outcome(records, startMs, since), () => process.exit(0))
  })
  process.send?.('ready')
}

async function send({ endpoint, channel, batchOctets, windowBatches, records }: Case): Promise<void> {
  const sender = createLinkSender(
    { endpoint, batchOctets, windowBatches },
    channel === 'unix' ? { connect: connectUnix } : {}
  )
  await sender.start()
  const layout = new LayoutTable().intern([{ pen: 0, id: 8, length: RECORD_OCTETS }], 0)
  const source = sender.defineSource({
    transport: 'tcp',
    version: 10,
    address: new Uint8Array(16),
    isIPv6: false,
    port: 4739,
    odid: 1,
    v5Sampling: -1,
    exporterId: '127.0.0.1'
  })
  const octets = new Uint8Array(65_536).fill(7)
  const startMs = performance.now()
  const since = process.cpuUsage()
  let admitted = 0
  await new Promise<void>(resolve => {
    const turn = (): void => {
      for (let entry = 0; entry < ENTRIES_PER_TURN && admitted < records && sender.isWritable; entry++) {
        const offset = (entry * 16) % 60_000
        const lengthOctets = RECORDS_PER_ENTRY * RECORD_OCTETS
        if (!sender.append(layout, source, 0, 1, 2, Number.NaN, RECORDS_PER_ENTRY, octets, offset, lengthOctets)) break
        admitted += RECORDS_PER_ENTRY
      }
      if (admitted >= records) resolve()
      else if (sender.isWritable) setImmediate(turn)
    }
    sender.onWritable(() => setImmediate(turn))
    turn()
  })
  await settled(sender)
  process.send?.(outcome(admitted, startMs, since))
  await sender.stop(1000)
  process.exit(0)
}

function settled(sender: LinkSender): Promise<void> {
  sender.flush()
  return new Promise(resolve => {
    if (sender.stats.records.inWindow === 0) resolve()
    else sender.onSettled(() => sender.stats.records.inWindow === 0 && resolve())
  })
}

const nextMessage = <T>(child: ChildProcess): Promise<T> =>
  new Promise((resolve, reject) => {
    child.once('message', message => resolve(message as T))
    child.once('exit', code => code !== 0 && reject(new Error(`a bench process ended with ${code}`)))
  })

async function measure(bench: Case): Promise<{ sender: Outcome; receiver: Outcome }> {
  const start = (role: string): ChildProcess =>
    fork(import.meta.filename, [role, JSON.stringify(bench)], { serialization: 'json' })
  const receiverProcess = start('receive')
  await nextMessage(receiverProcess)
  const senderProcess = start('send')
  const sender = await nextMessage<Outcome>(senderProcess)
  const receiverOutcome = nextMessage<Outcome>(receiverProcess)
  receiverProcess.send('report')
  return { sender, receiver: await receiverOutcome }
}

async function run(): Promise<void> {
  const { values } = parseArgs({
    options: {
      channel: { type: 'string', default: 'zeromq' },
      batch: { type: 'string', default: '65664,131072,262144' },
      window: { type: 'string', default: '16' },
      records: { type: 'string', default: '20000000' },
      repeat: { type: 'string', default: '3' }
    }
  })
  const folder = mkdtempSync(join(tmpdir(), 'weir-link-'))
  console.log(
    `node ${process.version}; case, M records/s, CPU s/M records (sender + receiver), peak RSS MiB (sender, receiver)`
  )
  try {
    for (let repeat = 0; repeat < Number(values.repeat); repeat++) {
      for (const batch of values.batch.split(',')) {
        const { channel } = values
        const endpoint = `ipc://${folder}/bench-${repeat}-${batch}.data`
        const windowBatches = Number(values.window)
        const bench = { endpoint, channel, batchOctets: Number(batch), windowBatches, records: Number(values.records) }
        const { sender, receiver } = await measure(bench)
        const millions = sender.records / 1e6
        const each = (ended: Outcome): string => (ended.cpuSeconds / millions).toFixed(3)
        const total = ((sender.cpuSeconds + receiver.cpuSeconds) / millions).toFixed(3)
        console.log(
          `link/${channel}/${batch}x${values.window}: ${(millions / sender.seconds).toFixed(1)} M/s, ${total} s/M (${each(sender)} + ${each(receiver)}), ` +
            `RSS ${sender.maxRssMib.toFixed(0)}, ${receiver.maxRssMib.toFixed(0)}`
        )
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const [role, argument] = process.argv.slice(2)
if (role === 'receive') await receive(JSON.parse(argument) as Case)
else if (role === 'send') await send(JSON.parse(argument) as Case)
else await run()
