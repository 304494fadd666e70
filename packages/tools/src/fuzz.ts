import { globSync } from 'node:fs'
import { root, runNode } from './repository.ts'

// npm run fuzz [RUNS]: the property tests of every decoder with far more inputs than npm test has. A failure prints its seed.
const [runs = '10000000'] = process.argv.slice(2)
const files = globSync(
  ['packages/*/test/**/*.property.test.ts', 'packages/*/test/**/*fuzz*.test.ts', 'test/fuzz/**/*.test.ts'],
  {
    cwd: root
  }
).toSorted()

process.stdout.write(`${files.length} files, ${runs} inputs for each property\n`)
process.exitCode =
  files.length === 0 ? 66 : runNode(['--test', '--test-concurrency=2', ...files], { WEIR_FUZZ_RUNS: runs })
