// Runs mutated Messages through the decoder until it finds one that breaks an invariant.
//
//   node test/fuzz/decoders.ts [inputs] [first seed]
//
// The input of a seed is always the same: a failure prints its seed and its octets. Sessions are renewed now and then,
// so that a failure needs a few thousand inputs before it at most.
import { buildFixed, buildMessage, buildV9, DecoderTarget, hexOf, Mutator } from '@weir/ipfix/testing'
import { vector, vectors } from '../conformance/vectors.ts'
import type { FaultCode } from '@weir/ipfix'

const inputs = Number(process.argv[2] ?? 1e7)
const firstSeed = Number(process.argv[3] ?? Date.now() % 1e9)
const inputsPerSession = 5000
const slowMs = 50

const large = new Uint8Array(65_000)
const mutator = new Mutator([
  ...Object.keys(vectors).map(name => vector(name)),
  buildFixed([{}, {}], { version: 1 }),
  buildFixed(Array.from({ length: 30 }, () => ({}))),
  buildV9().optionsTemplate(256, 2, '1:4 2:4 41:4').template(257, '8:4 9.1:2').data(257, '010203040506').octets(),
  buildMessage().template(256, '82:v 83:v 8:4').data(256, '0161016200000001', 'ff000161016200000001').octets(),
  buildMessage().template(256, '82:v').data(256, large).octets(),
  buildMessage().template(256, '4:1').data(256, large).octets()
])

function targets(): DecoderTarget[] {
  return [new DecoderTarget('udp'), new DecoderTarget('tcp'), new DecoderTarget('tcp', true), new DecoderTarget('file')]
}

let running = targets()
let accepted = 0
let failures = 0
let slowest = 0
const faults = new Map<FaultCode, number>()
const startedMs = performance.now()

function collect(): void {
  for (const target of running) {
    accepted += target.accepted
    for (const [code, count] of target.faults) faults.set(code, (faults.get(code) ?? 0) + count)
  }
}

console.log(`${inputs} inputs from seed ${firstSeed}, node ${process.version}`)
for (let at = 0; at < inputs; at++) {
  const seed = firstSeed + at
  const octets = mutator.make(seed)
  if (at % inputsPerSession === 0 && at > 0) {
    collect()
    running = targets()
  }
  const begunMs = performance.now()
  try {
    running[at % running.length].run(octets)
  } catch (error) {
    failures++
    console.error(`seed ${seed} (session from ${seed - (at % inputsPerSession)}): ${String(error)}\n  ${hexOf(octets)}`)
    running = targets()
    if (failures >= 20) break
  }
  const tookMs = performance.now() - begunMs
  if (tookMs > slowest) slowest = tookMs
  if (tookMs > slowMs) console.warn(`seed ${seed}: ${tookMs.toFixed(1)} ms for ${octets.length} octets`)
  if ((at + 1) % 1e6 === 0) {
    const { heapUsed, external } = process.memoryUsage()
    const perSecond = Math.round((at + 1) / ((performance.now() - startedMs) / 1000))
    console.log(
      `${at + 1} inputs, ${perSecond}/s, heap ${(heapUsed / 2 ** 20).toFixed(1)} MiB, external ${(external / 2 ** 20).toFixed(1)} MiB`
    )
  }
}
collect()
console.log(`${failures} failures, ${accepted} Messages accepted, slowest ${slowest.toFixed(1)} ms`)
for (const [code, count] of [...faults].toSorted((one, other) => other[1] - one[1])) console.log(`  ${code} ${count}`)
process.exitCode = failures > 0 ? 1 : 0
