import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { configApiOf } from '../../src/ctl/config-api.ts'
import { targetOf } from '../../src/ctl/target.ts'

for (const [process, path] of [
  ['coordinator', '/v1/config'],
  ['front', '/api/v1/config']
] as const) {
  test(`going back shows the ${process} which document was read, so that another change meanwhile is not undone`, async t => {
    const matches: (string | undefined)[] = []
    const server = createServer((request, response) => {
      if (request.method === 'POST') matches.push(request.headers['if-match'])
      response.setHeader('content-type', 'application/json')
      if (request.url === path) response.setHeader('etag', '"4-aa"').setHeader('weir-revision', '4')
      const revision = { number: 4 }
      response.end(
        JSON.stringify({ process, number: 5, revision, document: {}, isConverged: true, items: [], isPartial: false })
      )
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    t.after(() => server.close())
    const api = configApiOf(await targetOf({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }))
    const { etag, number, isConverged } = await api.read()
    assert.deepEqual([number, isConverged], [4, true])
    assert.equal(await api.rollback(3, etag, undefined), 5)
    assert.deepEqual(matches, ['"4-aa"'])
  })
}
