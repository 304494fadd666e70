import { readFileSync, readdirSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { CaptureReader } from '@weir/ipfix'
import { DecoderTarget, Mutator, buildFixed, buildMessage, buildV9, hexOf, octetsOf } from '@weir/ipfix/testing'

// node test/fuzz/decoders.fuzz.ts [INPUTS] [SEED]: mutated Messages and captures into every decoder. Ends at the first input that breaks an
// invariant, with its octets and its seed; a second run with that seed and one input shows it again.
const [inputs = 10_000_000, firstSeed = Date.now() % 2 ** 31] = process.argv.slice(2).map(Number)
const CAPTURE_SHARE = 100
const MAX_GROWTH_OCTETS = 1024 * 1024

interface Target {
  readonly name: string
  readonly inputs: number
  readonly make: (seed: number) => Uint8Array
  readonly run: (octets: Uint8Array) => void
}

const vectorFile = new URL('../conformance/vectors.json', import.meta.url)
const captureFolder = new URL('../fixtures/captures/', import.meta.url)
const vectors = Object.values(JSON.parse(readFileSync(vectorFile, 'utf8')) as Record<string, { hex: string }>)
const messages = new Mutator([
  ...vectors.map(({ hex }) => octetsOf(hex)),
  buildFixed([{}, {}], { version: 1 }),
  buildFixed([{}, {}, {}]),
  buildV9().optionsTemplate(256, 2, '1:4 2:4 41:4').template(257, '8:4 9.1:2').data(257, '010203040506').octets(),
  buildMessage().template(256, '82:v 83:v 8:4').data(256, '0161016200000001').withdraw(2).octets()
])
const captures = new Mutator(
  readdirSync(captureFolder)
    .filter(name => name.endsWith('.pcap'))
    .map(name => new Uint8Array(readFileSync(new URL(name, captureFolder)).subarray(0, 16_384)))
)

const decoderTarget = (transport: 'udp' | 'tcp', isStrict: boolean): Target => {
  const target = new DecoderTarget(transport, isStrict)
  return {
    name: `Messages, ${transport}${isStrict ? ', strict' : ''}`,
    inputs,
    make: seed => messages.make(seed),
    run: octets => target.run(octets)
  }
}

function readWhole(octets: Uint8Array): void {
  const reader = new CaptureReader()
  reader.begin()
  let given = 0
  for (const part of [reader.push(octets), reader.end(), reader.finish()])
    for (const message of part) given += message.octets.length
  // Reassembly makes nothing: what comes out was in the file.
  if (given > octets.length) throw new Error(`${given} octets out of a file of ${octets.length}`)
}

const targets: readonly Target[] = [
  decoderTarget('udp', false),
  decoderTarget('tcp', false),
  decoderTarget('tcp', true),
  { name: 'captures', inputs: Math.ceil(inputs / CAPTURE_SHARE), make: seed => captures.make(seed), run: readWhole }
]

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void
const memoryOctets = (): number => {
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** @returns false if an invariant broke. */
function fuzz({ name, inputs: count, make, run }: Target): boolean {
  const startMs = performance.now()
  const warmUp = Math.min(100_000, Math.floor(count / 2))
  let before = 0
  for (let at = 0; at < count; at++) {
    if (at === warmUp) before = memoryOctets()
    const seed = (firstSeed + at) | 0
    const octets = make(seed)
    try {
      run(octets)
    } catch (error) {
      process.stdout.write(`${name}: seed ${seed} breaks an invariant: ${String(error)}\n${hexOf(octets)}\n`)
      return false
    }
  }
  const grown = memoryOctets() - before
  const seconds = (performance.now() - startMs) / 1000
  process.stdout.write(
    `${name}: ${count} inputs from seed ${firstSeed} in ${seconds.toFixed(1)} s, memory grew by ${Math.round(grown / 1024)} KiB\n`
  )
  return grown < MAX_GROWTH_OCTETS
}

for (const target of targets) if (!fuzz(target)) process.exitCode = 1
