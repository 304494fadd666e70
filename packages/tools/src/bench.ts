import { globSync } from 'node:fs'
import { root, runNode } from './repository.ts'

// npm run bench [WORD…]: the benchmarks of the packages whose path holds one of the words; --system: the whole pod.
const args = process.argv.slice(2)
const isSystem = args[0] === '--system'
const words = (isSystem ? args.slice(1) : args).filter(arg => !arg.startsWith('-'))
const pattern = isSystem ? 'test/bench/**/*.bench.ts' : 'packages/*/bench/**/*.bench.ts'
const files = globSync(pattern, { cwd: root })
  .filter(path => isSystem || words.length === 0 || words.some(word => path.includes(word)))
  .toSorted()

if (files.length === 0) {
  process.stderr.write(`there is no benchmark ${words.join(' ')} in ${pattern}\n`)
  process.exitCode = 66
}
for (const file of files) {
  process.stdout.write(`\n${file}\n`)
  if ((await runNode(['--expose-gc', file, ...(isSystem ? args.slice(1) : [])])) !== 0) process.exitCode = 1
}
