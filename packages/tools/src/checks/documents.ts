import { existsSync, globSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { root, run } from '../repository.ts'

/** One page of documentation. */
export interface Page {
  /** Relative to the checkout, with slashes. */
  readonly path: string
  readonly text: string
}

/** What pages may name. */
export interface Known {
  /** Whether a path or a pattern, relative to the checkout, names something. */
  readonly exists: (path: string) => boolean
  /** Names of the scripts of package.json. */
  readonly scripts: ReadonlySet<string>
}

const link = /\]\(([^)\s]+)\)/g
/** What a link is called need not be a path. */
const linkText = /\[[^\]]*\]\(/g
const ownPath = /(?<![\w./-])(?:packages|test|docs)\/[\w./{},*-]+/g
const script = /\bnpm run ([\w:-]+)/g
/** Stands for a number in a name. */
const placeholder = /NNNN/

/** What pages name and is not there, one sentence each: targets of relative links, paths of ours, scripts of npm. */
export function checkPages(pages: readonly Page[], { exists, scripts }: Known): string[] {
  return pages.flatMap(({ path, text }) => {
    const folder = posix.dirname(path)
    const breaches = new Set<string>()
    for (const [, target] of text.matchAll(link)) {
      const file = target!.split('#')[0]!
      if (file === '' || /^[a-z]+:/.test(file)) continue
      if (!exists(posix.join(folder, decodeURIComponent(file)))) breaches.add(`links to ${target}, which is not there`)
    }
    for (const [found] of text.replaceAll(linkText, '](').matchAll(ownPath)) {
      if (placeholder.test(found)) continue
      // In the README of a package `test/…` is the package's own.
      const isThere = alternativesOf(found.replace(/[.,]+$/, '')).every(
        each => exists(each) || exists(posix.join(folder, each))
      )
      if (!isThere) breaches.add(`names ${found}, which is not there`)
    }
    for (const [, name] of text.matchAll(script)) {
      if (!scripts.has(name!)) breaches.add(`names npm run ${name}, which is no script of package.json`)
    }
    return [...breaches].map(what => `${path}: ${what}`)
  })
}

/** `a{b,c}d` is `abd` and `acd`; each must be there. */
function alternativesOf(path: string): string[] {
  const braces = /^([^{]*)\{([^}]*)\}(.*)$/.exec(path)
  if (braces === null) return [path]
  const [, before, words, after] = braces
  return words!.split(',').flatMap(word => alternativesOf(`${before}${word}${after}`))
}

/** {@link checkPages} of every Markdown page in the checkout. */
export function checkDocuments(): string[] {
  const { output } = run('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '*.md'])
  const paths = output.split('\0').filter(path => path !== '' && existsSync(join(root, path)))
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: object }
  return checkPages(
    paths.map(path => ({ path, text: readFileSync(join(root, path), 'utf8') })),
    {
      exists: path => (path.includes('*') ? globSync(path, { cwd: root }).length > 0 : existsSync(join(root, path))),
      scripts: new Set(Object.keys(scripts))
    }
  )
}
