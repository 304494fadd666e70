import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fixtureCapture } from '../support/fixture-captures.ts'
import { freePort } from '../support/free-port.ts'
import { launchWeir } from '../support/running-weir.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { until } from '../support/until.ts'

interface Job {
  readonly id: string
  readonly state: string
  readonly attempts: number
  readonly result: { readonly files: readonly { readonly name: string; readonly href: string }[] } | null
}

test('weir up does jobs: a capture is uploaded and analysed, also where the front and the worker are killed on the way', async () => {
  const folder = tempFolder('jobs')
  const frontPort = await freePort()
  const weir = await launchWeir(folder, await freePort(), await freePort(), { config: { front: { port: frontPort } } })
  await weir.child.waitForText('Weir is ready')
  const authorization = `Bearer ${readFileSync(join(folder, 'var/admin.key'), 'utf8').trim()}`
  const url = `http://127.0.0.1:${frontPort}`
  const call = async (method: string, path: string, type?: string, body?: string | Uint8Array) => {
    const headers = { authorization, ...(type === undefined ? {} : { 'content-type': type }) }
    const response = await fetch(url + path, { method, headers, body } as RequestInit)
    const text = await response.text()
    assert.ok(response.ok, `${method} ${path}: ${response.status} ${text}`)
    return text
  }
  const jobOf = async (id: string) => JSON.parse(await call('GET', `/api/v1/jobs/${id}`)) as Job
  const capture = readFileSync(fixtureCapture('softflowd-v9').path)
  const name = 'softflowd-v9.pcap'
  const upload = JSON.parse(
    await call('POST', `/api/v1/uploads?name=${name}`, 'application/octet-stream', capture)
  ) as { id: string }
  const order = JSON.stringify({ type: 'analyse', input: { uploads: [upload.id] } })
  const make = async () => (JSON.parse(await call('POST', '/api/v1/jobs', 'application/json', order)) as Job).id
  const ids = [await make(), await make()]
  await weir.crash('job-worker')
  ids.push(await make())
  await weir.crash('front')
  const answers = async () => fetch(`${url}/livez`).then(({ ok }) => ok)
  await until('the front answers again', answers)
  for (const id of ids)
    await until('the job has succeeded', async () => (await jobOf(id)).state === 'succeeded', 20_000)
  const contents = new Set<string>()
  for (const id of ids) {
    const { result, attempts } = await jobOf(id)
    assert.ok(attempts >= 1 && attempts <= 2)
    const json = result!.files.find(each => each.name.endsWith('.json'))!
    contents.add(await call('GET', json.href))
  }
  assert.equal(contents.size, 1, 'whoever did it, how often it was begun: the same result')
  assert.match([...contents][0]!, /exporters/)
  assert.deepEqual(readdirSync(join(folder, 'var/jobs/results')).toSorted(), ids.toSorted())
  assert.deepEqual(
    readdirSync(join(folder, 'var/jobs/work')).filter(each => !ids.includes(each.split('.')[0]!)),
    []
  )
  assert.equal((await weir.stop()).code, 0, weir.child.said)
})
