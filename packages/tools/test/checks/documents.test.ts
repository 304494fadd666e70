import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkPages } from '../../src/checks/documents.ts'

const there = new Set([
  'README.md',
  'docs/reference/cli.md',
  'packages/link',
  'packages/link/src/a.ts',
  'packages/link/src/b.ts',
  'packages/link/test/support/fake.ts',
  'packages/link/test/**/*.test.ts'
])
const breachesOf = (path: string, text: string): string[] =>
  checkPages([{ path, text }], {
    exists: each => there.has(each.replace(/\/$/, '')),
    scripts: new Set(['check'])
  })

test('accepts links, paths, alternatives, patterns and scripts that are there, and addresses elsewhere', () => {
  const text = `[a](docs/reference/cli.md#options) [b](#above) [c](https://example.net/x) [docs/cli](docs/reference/cli.md)
    \`packages/link/src/{a,b}.ts\`, packages/link. 'packages/link/test/**/*.test.ts' docs/decisions/NNNN-title.md
    npm run check; ../shared/test/x, my-packages/y and contest/z are not of ours`
  assert.deepEqual(breachesOf('README.md', text), [])
})

test('a page of a package may name its own test/, and its links start where it stands', () => {
  const text = '[cli](../../docs/reference/cli.md) `test/support/fake.ts` `src/lost.ts`'
  assert.deepEqual(breachesOf('packages/link/README.md', text), [])
})

test('rejects what is not there, once for each page', () => {
  const text = `[a](docs/reference/lost.md) [a](docs/reference/lost.md#b) \`packages/link/src/{a,lost}.ts\`
    packages/lost/README.md. npm run lost`
  assert.deepEqual(breachesOf('README.md', text), [
    'README.md: links to docs/reference/lost.md, which is not there',
    'README.md: links to docs/reference/lost.md#b, which is not there',
    'README.md: names docs/reference/lost.md, which is not there',
    'README.md: names packages/link/src/{a,lost}.ts, which is not there',
    'README.md: names packages/lost/README.md., which is not there',
    'README.md: names npm run lost, which is no script of package.json'
  ])
})
