import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { checkBoundaries } from './checks/boundaries.ts'
import { checkConfigKeys } from './checks/config-keys.ts'
import { checkCycles, checkUnused } from './checks/import-graph.ts'
import { checkDocuments } from './checks/documents.ts'
import { checkMachineTraces } from './checks/machine-traces.ts'
import { readSource } from './checks/source-file.ts'
import { generatedBreaches } from './generated-files.ts'
import { readPackages, root, run, sourcePaths } from './repository.ts'
import type { SourceFile } from './checks/source-file.ts'

interface Step {
  readonly name: string
  /** What to do when it fails. */
  readonly fix: string
  /** What is wrong, one line each; none = passed. */
  readonly breaches: () => readonly string[] | Promise<readonly string[]>
}

const ofProgram = (command: string, args: readonly string[]): string[] => {
  const { code, output } = run(command, args)
  return code === 0 ? [] : output.trimEnd().split('\n')
}

let sources: readonly SourceFile[] | undefined
const readSources = (): readonly SourceFile[] =>
  (sources ??= sourcePaths().map(path => readSource(path, readFileSync(join(root, path), 'utf8'))))

const steps: readonly Step[] = [
  { name: 'format', fix: 'npm run format', breaches: () => ofProgram('oxfmt', ['--check', '.']) },
  {
    name: 'lint',
    fix: 'mend what is named; npm run format mends some of it',
    breaches: () => ofProgram('oxlint', ['--deny-warnings'])
  },
  { name: 'types', fix: 'mend what is named', breaches: () => ofProgram('tsc', ['-p', '.']) },
  {
    name: 'boundaries',
    fix: 'CONTRIBUTING.md, "Layers and imports"',
    breaches: () => checkBoundaries(readSources(), readPackages())
  },
  {
    name: 'cycles',
    fix: 'move what both files need into a third',
    breaches: () => checkCycles(readSources(), readPackages())
  },
  {
    name: 'unused',
    fix: 'remove it, or use it',
    breaches: () => checkUnused(readSources(), readPackages())
  },
  {
    name: 'configuration keys',
    fix: 'a key that nothing reads promises what does not happen: read it, or take it out of packages/config/src/schema',
    breaches: () => checkConfigKeys(readSources())
  },
  { name: 'generated files', fix: 'npm run generate', breaches: generatedBreaches },
  { name: 'documents', fix: 'name what is there now', breaches: checkDocuments },
  {
    name: 'traces of this machine',
    fix: 'take the path out; npm install with this .npmrc leaves addresses out of the lock',
    breaches: checkMachineTraces
  }
]

/** Runs every step. @returns the number of those that failed. */
async function runChecks(): Promise<number> {
  let failed = 0
  for (const [index, { name, fix, breaches }] of steps.entries()) {
    const startMs = performance.now()
    const found = await breaches()
    const seconds = ((performance.now() - startMs) / 1000).toFixed(1)
    const head = `${index + 1}/${steps.length} ${name}`.padEnd(30, ' .')
    process.stdout.write(`${head} ${found.length === 0 ? 'ok' : 'FAILED'} (${seconds} s)\n`)
    if (found.length === 0) continue
    failed++
    process.stdout.write(`${found.map(line => `    ${line}`).join('\n')}\n    → ${fix}\n`)
  }
  return failed
}

const failed = await runChecks()
process.stdout.write(failed === 0 ? 'check: all steps passed\n' : `check: ${failed} of ${steps.length} steps failed\n`)
process.exitCode = failed === 0 ? 0 : 1
