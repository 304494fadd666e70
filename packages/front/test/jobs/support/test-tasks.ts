import { createReadStream } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createGunzip } from 'node:zlib'
import Type from 'typebox'
import type { Task, TaskContext } from '@weir/analysis'
import { CodedError } from '@weir/runtime'

const noParams = Type.Object({}, { additionalProperties: false })
const noInputs = { min: 0, max: 0 }
const nothing = { files: [], summary: {} }

async function write(context: TaskContext, name: string, mediaType: string, text: string) {
  await writeFile(join(context.outputFolder, name), text, { flag: 'wx' })
  return { name, mediaType, octets: Buffer.byteLength(text) }
}

/** Reads files and says how many octets of each value are in them. */
const octets: Task<{ top: number; isPage: boolean }> = {
  name: 'octets',
  summary: 'How often each octet comes.',
  params: Type.Object(
    {
      top: Type.Integer({ minimum: 1, maximum: 256, default: 3, description: 'The commonest ones.' }),
      isPage: Type.Boolean({ default: false, description: 'A page besides.' })
    },
    { additionalProperties: false }
  ),
  inputs: { min: 1, max: 4 },
  async run({ top, isPage }, context) {
    const counts = new Float64Array(256)
    const octetsTotal = context.inputs.reduce((sum, each) => sum + each.octets, 0)
    let octetsRead = 0
    for (const { name, path, octets: size } of context.inputs) {
      const file = createReadStream(path)
      const stream = name.endsWith('.gz') ? file.pipe(createGunzip()) : file
      let expanded = 0
      for await (const chunk of stream as AsyncIterable<Uint8Array>) {
        expanded += chunk.length
        if (expanded > size * context.limits.expansion) {
          throw new CodedError('TASK_LIMIT', `${name} becomes more than ${context.limits.expansion} times as long.`, 1)
        }
        for (const octet of chunk) counts[octet]++
        context.progress({ octetsRead: octetsRead + file.bytesRead, octetsTotal, records: 0 })
      }
      octetsRead += size
    }
    const pairs = [...counts].map((count, octet) => ({ octet, count })).toSorted((a, b) => b.count - a.count)
    const files = [await write(context, 'octets.json', 'application/json', JSON.stringify(pairs.slice(0, top)))]
    if (isPage) files.push(await write(context, 'octets.html', 'text/html; charset=utf-8', '<script>1</script>'))
    return { files, summary: { octets: octetsTotal } }
  }
}

/** Turns round for ever and looks at nothing. */
const spin: Task = {
  name: 'spin',
  summary: 'CPU work without an end.',
  params: noParams,
  inputs: noInputs,
  async run() {
    for (;;);
  }
}

/** Makes a file, and waits until nobody wants it any more. */
const hold: Task = {
  name: 'hold',
  summary: 'Waits.',
  params: noParams,
  inputs: noInputs,
  async run(_params, context) {
    await write(context, 'begun.txt', 'text/plain', 'begun')
    context.progress({ octetsRead: 1, octetsTotal: 2, records: 7 })
    await new Promise<void>(resolve => context.signal.addEventListener('abort', () => resolve()))
    throw context.signal.reason
  }
}

/** Takes a while, and is done. */
const brief: Task<{ ms: number }> = {
  name: 'brief',
  summary: 'Waits a moment.',
  params: Type.Object({ ms: Type.Integer({ default: 0, description: 'How long.' }) }, { additionalProperties: false }),
  inputs: noInputs,
  async run({ ms }, context) {
    await new Promise(resolve => setTimeout(resolve, ms))
    return { files: [await write(context, 'done.txt', 'text/plain', 'done')], summary: { ms } }
  }
}

/** Kills the process that it runs in. */
const poison: Task = {
  name: 'poison',
  summary: 'Kills its worker.',
  params: noParams,
  inputs: noInputs,
  async run() {
    process.kill(process.pid, 'SIGKILL')
    for (;;);
  }
}

const defect: Task = {
  name: 'defect',
  summary: 'Ends by a defect.',
  params: noParams,
  inputs: noInputs,
  async run() {
    throw new TypeError('undefined is not a function')
  }
}

/** Takes memory, on the heap or beside it. */
const eat: Task<{ where: 'heap' | 'buffers' }> = {
  name: 'eat',
  summary: 'Takes memory.',
  params: Type.Object({ where: Type.String({ description: 'heap or buffers.' }) }, { additionalProperties: false }),
  inputs: noInputs,
  async run({ where }) {
    const eaten: unknown[] = []
    for (;;) {
      eaten.push(where === 'heap' ? Array.from({ length: 100_000 }, () => ({})) : new Uint8Array(4_000_000).fill(1))
      await new Promise(resolve => setTimeout(resolve, 5))
    }
  }
}

/** Writes more than it may. */
const flood: Task = {
  name: 'flood',
  summary: 'Writes without an end.',
  params: noParams,
  inputs: noInputs,
  async run(_params, context) {
    for (let count = 0; ; count++) await write(context, `part-${count}.txt`, 'text/plain', 'x'.repeat(100_000))
  }
}

/** Tells of a file that it has not made, or has made elsewhere. */
const liar: Task<{ name: string }> = {
  name: 'liar',
  summary: 'Tells of files that are not there.',
  params: Type.Object({ name: Type.String({ description: 'Of the file.' }) }, { additionalProperties: false }),
  inputs: noInputs,
  async run({ name }) {
    return { ...nothing, files: [{ name, mediaType: 'text/plain', octets: 1 }] }
  }
}

export const tasks: readonly Task[] = [octets, spin, hold, brief, poison, defect, eat, flood, liar] as readonly Task[]
