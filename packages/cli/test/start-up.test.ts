import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'

/** Tells what a fresh Node loads with a module: packages of others by name, our own as `@weir/NAME`. */
const probe = `
import { registerHooks } from 'node:module'
const loaded = new Set()
registerHooks({
  load(url, context, next) {
    const [, name] = /.*\\/node_modules\\/((?:@[^/]+\\/)?[^/]+)\\//.exec(url) ?? /()$/.exec(url)
    const [, own] = /\\/packages\\/([a-z]+)\\/src\\//.exec(url) ?? []
    if (own !== undefined) loaded.add('@weir/' + own)
    else if (name !== '') loaded.add(name)
    return next(url, context)
  }
})
await import(process.argv[1])
process.stdout.write(JSON.stringify([...loaded]))
`

async function loadedBy(module: string): Promise<readonly string[]> {
  const url = new URL(`../../${module}`, import.meta.url).href
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', probe, url])
  return JSON.parse(stdout) as string[]
}

const engines = [
  '@duckdb/node-api',
  'graphology',
  'graphology-communities-louvain',
  'd3-scale',
  'd3-shape',
  'hyparquet',
  'hyparquet-writer',
  'piscina',
  'bullmq',
  'ioredis',
  'jose',
  'zeromq'
]
const absent = (loaded: readonly string[], names: readonly string[]): void =>
  assert.deepEqual(
    loaded.filter(name => names.includes(name)),
    []
  )

test('the front starts without the engines of jobs, and without clients that are not configured', async () => {
  const loaded = await loadedBy('front/src/index.ts')
  assert.ok(loaded.includes('@weir/analysis'), 'it knows the kinds of jobs')
  absent(loaded, engines)
})

test('a job worker starts without the engines of its jobs, and without a web server', async () => {
  const loaded = await loadedBy('front/src/jobs/job-worker-main.ts')
  assert.ok(loaded.includes('@weir/front'))
  absent(loaded, [...engines, 'fastify', 'prom-client', '@weir/analysis'])
})

test('the command line loads no process before it starts one', async () => {
  const loaded = await loadedBy('cli/src/program.ts')
  assert.ok(loaded.includes('commander'))
  const processes = ['collector', 'mediator', 'coordinator', 'front', 'http', 'link', 'analysis', 'ipfix', 'mediation']
  absent(loaded, [...engines, 'typebox', 'yaml', 'prom-client', ...processes.map(name => `@weir/${name}`)])
})
