import { posix } from 'node:path'
import type { PackageFacts } from '../repository.ts'
import type { ImportFact, SourceFile } from './source-file.ts'

/** The file that an import means, or undefined if it is not one of ours. */
function resolveImport(path: string, specifier: string, packages: readonly PackageFacts[]): string | undefined {
  if (specifier.startsWith('.')) return posix.join(posix.dirname(path), specifier)
  const target = packages.find(({ name }) => specifier === name || specifier.startsWith(`${name}/`))
  if (target === undefined) return undefined
  const entry = specifier.slice(target.name.length)
  return `packages/${target.folder}/src${entry}/index.ts`
}

/** Cycles between files, one sentence each. Imports of types alone are no part of one: they are gone when the program runs. */
export function checkCycles(files: readonly SourceFile[], packages: readonly PackageFacts[]): string[] {
  const byPath = new Map(files.map(file => [file.path, file]))
  const state = new Map<string, 'open' | 'done'>()
  const trail: string[] = []
  const breaches: string[] = []
  const enter = (path: string): void => {
    state.set(path, 'open')
    trail.push(path)
    for (const { specifier, isType } of byPath.get(path)!.imports) {
      if (isType) continue
      const target = resolveImport(path, specifier, packages)
      if (target === undefined || !byPath.has(target)) continue
      if (state.get(target) === 'open')
        breaches.push(`cycle: ${[...trail.slice(trail.indexOf(target)), target].join(' → ')}`)
      else if (!state.has(target)) enter(target)
    }
    trail.pop()
    state.set(path, 'done')
  }
  for (const { path } of files) if (!state.has(path)) enter(path)
  return breaches
}

/** Packages that are libraries of their own: what their index gives need not be used here. */
const libraries: ReadonlySet<string> = new Set(['ipfix'])

/** Files that something outside the sources starts. */
const isEntry = (path: string): boolean =>
  /^packages\/[^/]+\/src\/(index|main|testing\/index)\.ts$/.test(path) || /^packages\/tools\/src\/[^/]+\.ts$/.test(path)

/** What a worker thread is started with: its URL is passed on, and its default export is called. */
const isThread = (path: string): boolean => /^packages\/[^/]+\/src\/(.+\/)?[a-z0-9-]+-thread\.ts$/.test(path)

/** Sources that nobody reaches, and values they export that nobody imports, one sentence each. Tests count as users. */
export function checkUnused(files: readonly SourceFile[], packages: readonly PackageFacts[]): string[] {
  const used = new Map<string, Set<string>>()
  const use = (path: string, name: string): void => {
    used.set(path, (used.get(path) ?? new Set()).add(name))
  }
  const byPath = new Map(files.map(file => [file.path, file]))
  const reach = (path: string, { specifier, names }: ImportFact): void => {
    const target = resolveImport(path, specifier, packages)
    if (target === undefined || !byPath.has(target)) return
    use(target, '(reached)')
    for (const name of names) use(target, name)
  }
  for (const file of files) for (const each of file.imports) if (!each.isReexport) reach(file.path, each)
  passThroughReexports(files, packages, used, use)
  return files.flatMap(({ path, exports }) => {
    if (!/^packages\/[^/]+\/src\//.test(path)) return []
    const names = used.get(path) ?? new Set()
    if (!names.has('(reached)') && !isEntry(path) && !isThread(path)) return [`${path}: nothing imports this file`]
    if (names.has('*')) return []
    return exports
      .filter(name => !names.has(name) && !(name === 'default' && isThread(path)))
      .map(name => `${path}: nobody imports ${name}; export it no longer, or remove it`)
  })
}

/** What is imported from an index is imported from the file behind it; repeated until nothing is added. */
function passThroughReexports(
  files: readonly SourceFile[],
  packages: readonly PackageFacts[],
  used: ReadonlyMap<string, ReadonlySet<string>>,
  use: (path: string, name: string) => void
): void {
  const sizeOf = (): number => [...used.values()].reduce((sum, names) => sum + names.size, 0)
  for (let before = -1; before !== sizeOf();) {
    before = sizeOf()
    for (const { path, imports } of files) {
      const isLibrary = libraries.has(path.split('/')[1]!) && /\/src\/(testing\/)?index\.ts$/.test(path)
      const wanted = used.get(path) ?? new Set<string>()
      for (const { specifier, names, isReexport } of imports) {
        const target = isReexport ? resolveImport(path, specifier, packages) : undefined
        if (target === undefined) continue
        use(target, '(reached)')
        const passed = names.includes('*') ? wanted : names.filter(name => wanted.has(name) || wanted.has('*'))
        for (const name of isLibrary ? (names.includes('*') ? ['*'] : names) : passed) use(target, name)
      }
    }
  }
}
