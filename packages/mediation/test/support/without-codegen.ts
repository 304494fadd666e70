// Run under --disallow-code-generation-from-strings: prints the state of a cache and what its Program wrote.
import { ElementRegistry } from '@weir/ipfix'
import { ProgramCache } from '../../src/index.ts'
import { contextOf, hex, layoutOf, normalised, runProgram } from './programs.ts'

const cache = new ProgramCache({ registry: ElementRegistry.standard(), compileAfterRecords: 0 })
const context = contextOf()
const program = cache.get(layoutOf('8:4 2:3 82:65535'), normalised, context, 0)
cache.get(layoutOf('8:4 2:4'), normalised, context, 0)
const { octets } = runProgram(program, hex('c0000201 010000 03 616263'), context, 1000)
console.log(
  JSON.stringify({ ...cache.stats, isCompiled: program.isCompiled, octets: Buffer.from(octets).toString('hex') })
)
