import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { vectors } from './vectors.ts'

const root = new URL('../../', import.meta.url)
const testFiles = globSync(['packages/*/test/**/*.test.ts', 'test/**/*.test.ts'], { cwd: root })
const readme = readFileSync(new URL('README.md', import.meta.url), 'utf8')

/** Ids of one letter and two digits, `T54 to T57` being four of them. */
function idsIn(text: string): Set<string> {
  const ids = new Set<string>()
  for (const [, letter, first, , last = first, suffix = ''] of text.matchAll(
    /\b([TV])(\d\d)( to \1(\d\d))?([a-g]?)\b/g
  )) {
    for (let at = Number(first); at <= Number(last); at++) ids.add(letter + String(at).padStart(2, '0') + suffix)
  }
  return ids
}

const named = new Set<string>()
for (const file of testFiles) {
  const text = readFileSync(new URL(file, root), 'utf8')
  for (const [, , name] of text.matchAll(/\btest\(\s*(['"`])(.*?)\1/gs)) {
    for (const id of idsIn(name)) named.add(id)
  }
}
const waiting = idsIn(/## Not covered yet\n([\s\S]*?)\n## /.exec(readme)?.[1] ?? '')

const missingOf = (ids: readonly string[]): string[] => ids.filter(id => !named.has(id) && !waiting.has(id))

test('every test of RFC 5471 is named by a test, or README.md says that it waits', () => {
  const all = Array.from({ length: 58 }, (_, at) => `T${String(at + 1).padStart(2, '0')}`)
  assert.deepEqual(missingOf(all), [])
  assert.ok(waiting.has('T56') && !waiting.has('T26'))
})

test('every vector is named by a test, or README.md says that it waits', () => {
  const all = new Set([...Object.keys(vectors), 'V38', 'V39'])
  assert.deepEqual(missingOf([...all]), [])
})

test('README.md links to files that are there', () => {
  for (const [, file] of readme.matchAll(/\]\(([\w.-]+)\)/g)) readFileSync(new URL(file, import.meta.url))
  for (const [, file] of readme.matchAll(/`(packages\/[\w./-]+\.ts|test\/[\w./-]+\.ts)`/g))
    readFileSync(new URL(file, root))
})
