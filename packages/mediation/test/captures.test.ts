import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, test } from 'node:test'
import { CaptureDecoder, CaptureReader } from '@weir/ipfix'
import type { DataSetView, MessageHeader } from '@weir/ipfix'
import type { EntryContext, Plan, Program } from '../src/index.ts'
import { contextOf, json, normalised, programsOf, runProgram, textOfLayout } from './support/programs.ts'

const folder = process.env.WEIR_CAPTURES ?? resolve(import.meta.dirname, '../../../../shared/captures')
const isAbsent = !existsSync(join(folder, 'manifest.json'))
const skip = isAbsent ? `NO CAPTURES: ${folder} has no manifest.json; set WEIR_CAPTURES to the folder that has` : false
if (skip !== false) process.stderr.write(`${skip}\n`)

interface Case {
  readonly name: string
  readonly format: string
  readonly files: readonly { readonly path: string }[]
  readonly ports: readonly string[]
}

const cases = isAbsent ? [] : (JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as Case[])

/** All Data Sets of all captures, with their context. */
function forEachDataSet(
  each: (name: string, set: DataSetView, records: Uint8Array, context: EntryContext) => void
): void {
  for (const { name, format, files, ports } of cases) {
    const reader = new CaptureReader({ ports: ports.map(Number) })
    const decoder = new CaptureDecoder()
    const decode = (messages: Iterable<Parameters<CaptureDecoder['decode']>[0]>): void => {
      for (const message of messages) {
        let context = contextOf()
        decoder.decode(message, {
          onMessage: ({ version, odid, exportTimeSec, bootTimeMs }: MessageHeader) => {
            const templateIds = { exportedId: (id: number) => id, layoutOf: (id: number) => decoder.templates.get(id) }
            context = contextOf({ version, odid, exportTimeSec, bootTimeMs, templateIds, samplingRateOf: () => 10 })
          },
          onDataSet: set => {
            each(name, set, message.octets.slice(set.offset, set.offset + set.lengthOctets), context)
          }
        })
      }
    }
    for (const { path } of files) {
      reader.begin(format === 'raw-udp' ? 'auto-datagram' : 'auto')
      decode(reader.push(readFileSync(join(folder, path))))
      decode(reader.end())
    }
    decode(reader.finish())
  }
}

const plans: readonly Plan[] = [
  normalised,
  { ...normalised, timestamps: 'preserve', sampling: false },
  { ...json, lineage: true, sampling: true }
]

describe('captures of real exporters', { skip }, () => {
  test('every record comes out of every Plan, compiled and interpreted octet for octet; text is JSON', () => {
    // By Layout, Plan and what the context changes.
    const known = new Map<string, Program[]>()
    let records = 0
    forEachDataSet((name, set, octets, context) => {
      for (const [index, plan] of plans.entries()) {
        const key = `${set.layout.key} ${index} ${Number.isNaN(context.bootTimeMs)} ${context.version === 9}`
        const programs = known.get(key) ?? programsOf(set.layout, plan, context)
        known.set(key, programs)
        const [first, second] = programs.map(program =>
          runProgram(program, octets, context, 20_000 + 40 * octets.length)
        )
        assert.equal(first.records, set.records, `${name}: ${textOfLayout(set.layout)}`)
        assert.equal(first.read, octets.length, name)
        if (second !== undefined) assert.deepEqual(second.octets, first.octets, name)
        if (plan.kind === 'json') {
          const lines = new TextDecoder('utf-8', { fatal: true }).decode(first.octets).trimEnd().split('\n')
          assert.equal(lines.length, set.records || 1)
          for (const line of lines) if (line !== '') JSON.parse(line)
        }
      }
      records += set.records
    })
    assert.ok(records > 10_000, `${records} records`)
  })

  test('no flow record that says when it was is without a start or an end in the output', () => {
    const untold = new Set<string>()
    forEachDataSet((name, { layout }, _, context) => {
      const has = (...ids: number[]): boolean => layout.fields.some(({ pen, id }) => pen === 0 && ids.includes(id))
      if (layout.scopeCount > 0 || !has(22, 150, 152, 154, 156, 158)) return
      const [{ output }] = programsOf(layout, normalised, context)
      if (!output?.fields.some(({ pen, id }) => pen === 0 && (id === 152 || id === 22))) untold.add(name)
    })
    assert.deepEqual([...untold], [])
  })
})
