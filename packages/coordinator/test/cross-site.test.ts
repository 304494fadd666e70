import assert from 'node:assert/strict'
import { request } from 'node:http'
import { test } from 'node:test'
import { startPod } from './support/pod-fixture.ts'

/** fetch sets Host and Origin itself. */
const statusOf = (url: string, method: string, headers: Record<string, string>): Promise<number> =>
  new Promise((resolve, reject) => {
    const asked = request(url, { method, headers }, answer => {
      answer.resume()
      resolve(answer.statusCode!)
    })
    asked.once('error', reject)
    asked.end()
  })

test('without credentials, pages of other sites and names of others for this machine are refused', async t => {
  const pod = await startPod({ destinations: [{ id: 'out', type: 'json', target: 'stdout' }] })
  t.after(() => pod.stop())
  await pod.connect('collector', 'mediator')
  const { port, host } = new URL(pod.url)
  const drain = `${pod.url}/v1/destinations/out/drain`
  for (const origin of ['http://evil.example', 'null', `http://127.0.0.1:${Number(port) + 1}`]) {
    assert.equal(await statusOf(drain, 'POST', { origin }), 403, origin)
  }
  for (const name of [`evil.example:${port}`, '10.0.0.1', `127.0.0.1.evil.example:${port}`]) {
    assert.equal(await statusOf(drain, 'POST', { host: name, origin: `http://${name}` }), 421, name)
    assert.equal(await statusOf(`${pod.url}/v1/config`, 'GET', { host: name }), 421, name)
  }
  assert.equal(pod.mediatorCalls.filter(({ method }) => method === 'destinations.setMode').length, 0)
  for (const name of [host, `localhost:${port}`, `[::1]:${port}`, 'localhost']) {
    assert.equal(await statusOf(`${pod.url}/v1/config`, 'GET', { host: name, origin: `http://${name}` }), 200, name)
  }
  assert.equal(await statusOf(`${pod.url}/livez`, 'GET', { host: 'a.probe' }), 200)
})
