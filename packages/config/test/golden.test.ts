import assert from 'node:assert/strict'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { ConfigError, formatIssue } from '@weir/runtime'
import { Value } from 'typebox/value'
import { WeirConfig, readYaml, resolveConfig, writeYaml } from '../src/index.ts'
import type { ResolvedConfig } from '../src/index.ts'

// A case is a YAML file; `#env NAME=VALUE` lines give it an environment. Beside a good one stands the effective document (what
// differs from the defaults), beside a broken one its errors. After a change of the schema: WEIR_UPDATE_GOLDEN=1, then read the diff.
const folder = new URL('../../../test/fixtures/config/', import.meta.url)
const isUpdated = process.env.WEIR_UPDATE_GOLDEN === '1'

function resolveCase(url: URL): ResolvedConfig {
  const text = readFileSync(url, 'utf8')
  const environment = Object.fromEntries(
    [...text.matchAll(/^#env ([A-Z0-9_]+)=(.*)$/gm)].map(([, name, value]) => [name, value])
  )
  return resolveConfig(readYaml(text, 'weir.yaml'), {
    environment,
    source: 'weir.yaml',
    localAddresses: ['127.0.0.1', '::1', '192.0.2.10']
  })
}

function expectText(url: URL, actual: string): void {
  if (isUpdated) writeFileSync(url, actual)
  assert.equal(actual, readFileSync(url, 'utf8'))
}

const casesIn = (kind: string): string[] =>
  readdirSync(new URL(kind, folder))
    .filter(name => name.endsWith('.yaml') && !name.endsWith('.effective.yaml'))
    .map(name => name.slice(0, -5))

for (const name of casesIn('good/')) {
  test(`reads ${name}`, () => {
    const { config, warnings } = resolveCase(new URL(`good/${name}.yaml`, folder))
    const shown = name === 'defaults' ? config : differences(config, resolveConfig(undefined).config)
    expectText(new URL(`good/${name}.effective.yaml`, folder), writeYaml({ config: shown ?? {}, warnings }))
    assert.ok(Value.Check(WeirConfig, config), 'TypeBox agrees with our own check')
  })
}

for (const name of casesIn('broken/')) {
  test(`rejects ${name}`, () => {
    let issues: readonly string[] = []
    try {
      resolveCase(new URL(`broken/${name}.yaml`, folder))
    } catch (error) {
      assert.ok(error instanceof ConfigError)
      assert.equal(error.exitCode, 78)
      issues = error.issues.map(formatIssue)
    }
    assert.notDeepEqual(issues, [])
    expectText(new URL(`broken/${name}.errors.txt`, folder), `${issues.join('\n')}\n`)
  })
}

test('there are at least forty broken documents', () => assert.ok(casesIn('broken/').length >= 40))

/** The part of `value` that is not in `base`; undefined if there is none. Lists are taken whole. */
function differences(value: unknown, base: unknown): unknown {
  if (JSON.stringify(value) === JSON.stringify(base)) return undefined
  const areSections = [value, base].every(each => typeof each === 'object' && each !== null && !Array.isArray(each))
  if (!areSections) return value
  const entries = Object.entries(value as object)
    .map(([key, each]) => [key, differences(each, (base as Record<string, unknown>)[key])] as const)
    .filter(([, each]) => each !== undefined)
  return Object.fromEntries(entries)
}
