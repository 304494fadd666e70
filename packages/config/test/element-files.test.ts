import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { ConfigError } from '@weir/runtime'
import { loadElements } from '../src/index.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'weir-elements-'))
})
afterEach(() => rm(folder, { recursive: true }))

async function fileOf(name: string, text: string): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, text)
  return path
}

const issuesOf = (paths: readonly string[]): readonly string[] => {
  try {
    loadElements(paths)
  } catch (error) {
    assert.ok(error instanceof ConfigError)
    return error.message.split('\n').filter(line => line.includes('collector.elementFiles'))
  }
  return []
}

test('R5153-5.1 elements of all files stand beside those of IANA', async () => {
  const one = await fileOf('one.csv', '64999,1,widgetCount,unsigned32\n')
  const other = await fileOf('other.json', '[{"pen":64998,"id":2,"name":"widgetName","type":"string"}]')
  const registry = loadElements([one, other])
  assert.equal(registry.get(64999, 1)?.name, 'widgetCount')
  assert.equal(registry.get(64998, 2)?.type, 'string')
  assert.equal(registry.get(0, 8)?.name, 'sourceIPv4Address')
  assert.equal(loadElements([]).get(64999, 1), undefined)
})

test('rejects with everything that is wrong in any file, named by its key', async () => {
  const broken = await fileOf('broken.csv', '64999,1,widgetCount,unsigned32\n64999,2,x,nothing\n64999,3,,string\n')
  const clash = await fileOf('clash.csv', '64999,1,octetDeltaCount,unsigned32\n')
  const issues = issuesOf([join(folder, 'absent.csv'), broken, clash])
  assert.equal(issues.length, 4, issues.join('\n'))
  assert.match(issues[0]!, /elementFiles\[0\].*cannot be read/)
  assert.match(issues[1]!, /elementFiles\[1\].*broken\.csv, line 2: type is not/)
  assert.match(issues[2]!, /elementFiles\[1\].*line 3: name is not/)
  assert.match(issues[3]!, /elementFiles\[2\].*64999\/1 octetDeltaCount is an element of IANA or has a name in use/)
})
