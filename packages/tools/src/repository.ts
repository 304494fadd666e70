import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The checkout, with a slash at the end. */
export const root = fileURLToPath(new URL('../../../', import.meta.url))

/** One workspace, as its package.json says. */
export interface PackageFacts {
  /** Folder name below packages/. */
  readonly folder: string
  /** `@weir/<folder>`. */
  readonly name: string
  readonly layer: number
  /** Entries besides `.`, e.g. `./testing`. */
  readonly entries: readonly string[]
  readonly dependencies: readonly string[]
}

/** Every workspace below packages/. */
export function readPackages(base: string = root): PackageFacts[] {
  return globSync('packages/*/package.json', { cwd: base })
    .toSorted()
    .map(path => {
      const parsed = JSON.parse(readFileSync(join(base, path), 'utf8')) as {
        name: string
        weir: { layer: number }
        exports?: Record<string, string>
        dependencies?: Record<string, string>
      }
      return {
        folder: path.split(/[/\\]/)[1]!,
        name: parsed.name,
        layer: parsed.weir.layer,
        entries: Object.keys(parsed.exports ?? {}),
        dependencies: Object.keys(parsed.dependencies ?? {})
      }
    })
}

/** Paths of all TypeScript sources, tests and benchmarks, relative to the checkout. */
export const sourcePaths = (base: string = root): string[] =>
  globSync(['packages/*/{src,test,bench}/**/*.ts', 'test/**/*.ts'], { cwd: base })
    .filter(path => !path.includes('node_modules'))
    .toSorted()

/** What ended a program that was run. */
export interface RunResult {
  readonly code: number
  readonly output: string
}

/** Run a program of node_modules/.bin, or any, in the checkout; its output is kept. */
export function run(command: string, args: readonly string[]): RunResult {
  const local = join(root, 'node_modules/.bin', command)
  const { status, stdout, stderr, error } = spawnSync(existsSync(local) ? local : command, args, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024
  })
  return { code: status ?? 1, output: `${stdout ?? ''}${stderr ?? ''}${error === undefined ? '' : String(error)}` }
}

/** Run Node with the output going straight through; what we are told to stop, it is told too. @returns its exit code. */
export async function runNode(args: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit' })
  let isStopped = false
  const pass = (signal: NodeJS.Signals): void => {
    isStopped = true
    child.kill(signal)
  }
  const signals: NodeJS.Signals[] = ['SIGHUP', 'SIGINT', 'SIGTERM']
  for (const signal of signals) process.on(signal, pass)
  try {
    const [code] = (await once(child, 'close')) as [number | null]
    // Whoever was told to stop does not go on with the next part.
    if (isStopped) process.exit(130)
    return code ?? 1
  } finally {
    for (const each of signals) process.off(each, pass)
  }
}
