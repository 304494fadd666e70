import { globSync } from 'node:fs'
import { ensureDebianPackages } from './debian-packages.ts'
import { root, runNode } from './repository.ts'

// npm test [WORD…]: the check, then all tests; with words only the tests whose path holds one of them, and no check.
const words = process.argv.slice(2)

/** Packages whose tests must also pass where no code may be made from text: the interpreter then runs (TH-44). */
const withoutCodeGeneration = ['collector', 'config', 'ipfix', 'link', 'mediation', 'mediator', 'runtime', 'templates']

/** Of the packages that make code too, but only there. */
const columnTests = ['packages/analysis/test/columns/*.test.ts', 'packages/analysis/test/convert/convert.test.ts']

const testsIn = (patterns: readonly string[]): string[] =>
  globSync(patterns, { cwd: root })
    .filter(path => !/(^|\/)(node_modules|test\/(bench|fuzz))\//.test(path))
    .filter(path => words.length === 0 || words.some(word => path.includes(word)))
    .toSorted()

interface Part {
  readonly name: string
  readonly run: () => number | Promise<number>
}

const nodeTest = (
  files: readonly string[],
  reporter: string,
  flags: readonly string[] = []
): number | Promise<number> =>
  files.length === 0
    ? 0
    : runNode([
        ...flags,
        '--import=./test/support/fixed-seed.ts',
        '--test',
        '--test-concurrency=2',
        `--test-reporter=${reporter}`,
        ...files
      ])

const parts: readonly Part[] = [
  ...(words.length > 0
    ? []
    : [
        { name: 'check', run: () => runNode(['--disable-warning=ExperimentalWarning', 'packages/tools/src/check.ts']) }
      ]),
  {
    name: 'tests without code generation',
    run: () =>
      nodeTest(testsIn([`packages/{${withoutCodeGeneration.join(',')}}/test/**/*.test.ts`, ...columnTests]), 'dot', [
        '--disallow-code-generation-from-strings'
      ])
  },
  { name: 'tests', run: () => nodeTest(testsIn(['packages/*/test/**/*.test.ts', 'test/**/*.test.ts']), 'spec') }
]

ensureDebianPackages()
const failed: string[] = []
for (const { name, run } of parts) {
  process.stdout.write(`\n── ${name}\n`)
  if ((await run()) !== 0) failed.push(name)
}
if (failed.length > 0) process.stdout.write(`\nfailed: ${failed.join(', ')}\n`)
process.exitCode = failed.length === 0 ? 0 : 1
