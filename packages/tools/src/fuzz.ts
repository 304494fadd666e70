import { globSync } from 'node:fs'
import { root, runNode } from './repository.ts'

// npm run fuzz [INPUTS] [SEED]: every file of test/fuzz with far more inputs than npm test has. A failure prints its seed.
for (const file of globSync('test/fuzz/**/*.fuzz.ts', { cwd: root }).toSorted()) {
  if ((await runNode([file, ...process.argv.slice(2)])) !== 0) process.exitCode = 1
}
