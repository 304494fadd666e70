import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkBoundaries } from '../../src/checks/boundaries.ts'
import { checkCycles, checkUnused } from '../../src/checks/import-graph.ts'
import { readSource } from '../../src/checks/source-file.ts'
import type { PackageFacts } from '../../src/repository.ts'

const packageOf = (folder: string, layer: number, dependencies: string[] = [], entries = ['.']): PackageFacts => ({
  folder,
  name: `@weir/${folder}`,
  layer,
  entries,
  dependencies
})

const packages = [
  packageOf('ipfix', 0, [], ['.', './testing']),
  packageOf('runtime', 0),
  packageOf('link', 1, ['@weir/runtime']),
  packageOf('collector', 2, ['@weir/ipfix', '@weir/link']),
  packageOf('mediator', 2, ['@weir/ipfix'])
]

const breachesOf = (path: string, text: string): string[] => checkBoundaries([readSource(path, text)], packages)

const allowed: [string, string][] = [
  [
    'packages/collector/src/a.ts',
    "import { x } from '@weir/link'\nimport { y } from './b.ts'\nimport net from 'node:net'"
  ],
  ['packages/link/src/a.ts', "import { Dealer } from 'zeromq'"],
  [
    'packages/collector/test/a.test.ts',
    "import { b } from '@weir/ipfix/testing'\nimport { m } from '@weir/mediator'\nimport fc from 'fast-check'"
  ],
  [
    'packages/collector/test/a.test.ts',
    "import { x } from '../src/a.ts'\nimport { y } from '../../../test/support/y.ts'"
  ],
  ['packages/ipfix/src/time-of.ts', 'export const at = (nowMs: number): Date => new Date(nowMs)'],
  ['packages/ipfix/src/a.ts', "const text = 'process.env'; export const b = { process: 1, console: text }"]
]
for (const [path, text] of allowed)
  test(`accepts in ${path}: ${text}`, () => assert.deepEqual(breachesOf(path, text), []))

const refused: [string, string, RegExp][] = [
  ['packages/link/src/a.ts', "import { x } from '@weir/collector'", /only lower layers/],
  ['packages/link/src/a.ts', "import type { X } from '@weir/collector'", /only lower layers/],
  ['packages/collector/src/a.ts', "import { x } from '@weir/mediator'", /only lower layers/],
  ['packages/collector/src/a.ts', "export * from '@weir/mediator'", /only lower layers/],
  ['packages/collector/src/a.ts', "export const x = await import('@weir/mediator')", /only lower layers/],
  ['packages/collector/src/a.ts', "export type X = import('@weir/mediator').X", /only lower layers/],
  ['packages/collector/src/a.ts', "import { x } from '@weir/runtime'", /not among the dependencies/],
  ['packages/collector/src/a.ts', "import { x } from '@weir/collector'", /does not import itself/],
  ['packages/collector/src/a.ts', "import { x } from '@weir/link/src/frame.ts'", /deep import/],
  ['packages/collector/src/a.ts', "import { x } from '../../link/src/frame.ts'", /deep import/],
  ['packages/collector/src/a.ts', "import { x } from '@weir/ipfix/testing'", /is for tests/],
  ['packages/collector/src/a.ts', "import { x } from '../test/support/x.ts'", /do not import tests/],
  ['packages/collector/src/a.ts', "import { x } from './b'", /no extension/],
  ['packages/collector/src/a.ts', "import { x } from '@weir/nothing'", /there is no package/],
  ['packages/collector/src/a.ts', "import { Dealer } from 'zeromq'", /belongs to link/],
  ['packages/collector/src/a.ts', "import pad from 'left-pad'", /has no owner/],
  ['packages/collector/src/a.ts', "import { DatabaseSync } from 'node:sqlite'", /belongs to templates/],
  ['packages/ipfix/src/a.ts', "import { readFile } from 'node:fs/promises'", /nothing outside Weir/],
  ['packages/ipfix/src/a.ts', "import pino from 'pino'", /nothing outside Weir/],
  ['packages/ipfix/src/a.ts', 'export const a = () => Date.now()', /Date\.now/],
  ['packages/ipfix/src/a.ts', 'export const a = () => new Date()', /new Date\(\)/],
  ['packages/ipfix/src/a.ts', 'export const a = () => Math.random()', /Math\.random/],
  ['packages/ipfix/src/a.ts', 'export const a = () => setTimeout(() => 1, 1)', /setTimeout/],
  ['packages/ipfix/src/a.ts', "console.log('x')", /console/],
  ['packages/collector/src/utils.ts', '', /says nothing/],
  ['packages/collector/src/common/a.ts', '', /says nothing/],
  ['packages/collector/src/socket-helpers.ts', '', /says nothing/],
  ['packages/collector/src/UdpListener.ts', '', /kebab-case/],
  ['packages/collector/src/a.ts', 'export interface ISession { x: number }', /I prefix/],
  ['packages/collector/src/a.ts', 'export class SessionManager {}', /says nothing/]
]
for (const [path, text, why] of refused) {
  test(`rejects in ${path}: ${text}`, () => {
    const breaches = breachesOf(path, text)
    assert.equal(breaches.length, 1, breaches.join('\n'))
    assert.match(breaches[0]!, why)
    assert.ok(breaches[0]!.startsWith(path))
  })
}

const filesOf = (texts: Record<string, string>) => Object.entries(texts).map(([path, text]) => readSource(path, text))

test('rejects a cycle of values, over packages too, and accepts one of types', () => {
  const cycle = filesOf({
    'packages/link/src/a.ts': "import { b } from './b.ts'\nexport const a = b",
    'packages/link/src/b.ts': "import { c } from './c.ts'\nexport const b = c",
    'packages/link/src/c.ts': "import { a } from './a.ts'\nexport const c = a"
  })
  assert.deepEqual(checkCycles(cycle, packages), [
    'cycle: packages/link/src/a.ts → packages/link/src/b.ts → packages/link/src/c.ts → packages/link/src/a.ts'
  ])
  const types = filesOf({
    'packages/link/src/a.ts': "import type { B } from './b.ts'\nexport const a: B = 1",
    'packages/link/src/b.ts': "import { a } from './a.ts'\nexport type B = number\nexport const b = a"
  })
  assert.deepEqual(checkCycles(types, packages), [])
})

test('rejects exports that nobody imports and files that nobody reaches', () => {
  const files = filesOf({
    'packages/link/src/index.ts': "export { a } from './a.ts'\nexport * from './b.ts'",
    'packages/link/src/a.ts': 'export const a = 1\nexport const unusedA = 2',
    'packages/link/src/b.ts': 'export const b = 1\nexport function unusedB() {}\nexport interface Free { x: number }',
    'packages/link/src/lost.ts': 'export const lost = 1',
    'packages/link/test/b.test.ts': "import { a } from '@weir/link'\nimport { b } from '../src/index.ts'\nb(a)"
  })
  assert.deepEqual(
    checkUnused(files, packages).map(each => each.split(';')[0]),
    [
      'packages/link/src/a.ts: nobody imports unusedA',
      'packages/link/src/b.ts: nobody imports unusedB',
      'packages/link/src/lost.ts: nothing imports this file'
    ]
  )
})

test('what a library gives need not be used here', () => {
  const files = filesOf({
    'packages/ipfix/src/index.ts': "export * from './a.ts'",
    'packages/ipfix/src/a.ts': 'export const a = 1'
  })
  assert.deepEqual(checkUnused(files, packages), [])
})

test('reads what a file takes and gives, types apart', () => {
  const { imports, exports } = readSource(
    'packages/link/src/a.ts',
    "import type {\n  A,\n  B as C\n} from './types.ts'\nimport d, { e as f, type G } from './values.ts'\nimport * as h from './all.ts'\n" +
      'export const i = 1, j: A = 2\nexport class K { private l = d }\nexport { f as m }\nexport type N = C | G | typeof h\nexport default i'
  )
  assert.deepEqual(
    imports.map(({ specifier, names, isType }) => [specifier, names, isType]),
    [
      ['./types.ts', ['A', 'B'], true],
      ['./values.ts', ['default', 'e'], false],
      ['./all.ts', ['*'], false]
    ]
  )
  assert.deepEqual(exports, ['i', 'j', 'K', 'm', 'default'])
})
