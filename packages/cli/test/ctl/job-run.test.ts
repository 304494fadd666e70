import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { runWeir } from '../../../../test/support/weir-command.ts'

test('a job that waits because no job worker is there says so', async t => {
  const id = `j${'0'.repeat(32)}`
  let workers = 0
  const server = createServer((request, response) => {
    const isVersion = request.url === '/version'
    response.writeHead(isVersion ? 200 : 202, { 'content-type': 'application/json' })
    response.end(JSON.stringify(isVersion ? { process: 'front' } : { id, state: 'queued', workers }))
  })
  server.listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  const env = { WEIR_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
  const run = () => runWeir(['ctl', 'job', 'run', 'analyse', '--no-wait'], { env, code: 0 })
  const alone = await run()
  assert.equal(alone.stdout, `${id}\n`)
  assert.match(alone.stderr, /no job worker is there; start one with weir job-worker/)
  workers = 1
  assert.doesNotMatch((await run()).stderr, /job worker/)
})
