import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Child } from '../support/child.ts'
import { absent, toolPath } from '../support/debian-tools.ts'
import { freePort } from '../support/free-port.ts'
import { launchWeir } from '../support/running-weir.ts'
import { tempFolder } from '../support/temp-folder.ts'

/** The page as it stands once its scripts have run. */
async function pageOf(folder: string, url: string): Promise<string> {
  const browser = new Child('chromium', toolPath('chromium'), [
    '--headless=new',
    '--no-sandbox',
    '--disable-gpu',
    `--user-data-dir=${join(folder, 'chromium')}`,
    '--virtual-time-budget=8000',
    '--dump-dom',
    url
  ])
  await browser.waitForEnd(30_000)
  return browser.stdout
}

test('the web API asks a browser for a key, and shows its docs page for it', { skip: absent('chromium') }, async () => {
  const folder = tempFolder('front-in-a-browser')
  const frontPort = await freePort()
  const weir = await launchWeir(folder, await freePort(), await freePort(), { config: { front: { port: frontPort } } })
  await weir.waitUntilReady()
  await weir.child.waitForText('Weir is ready')
  const key = readFileSync(join(folder, 'var/admin.key'), 'utf8').trim()
  assert.match(await pageOf(folder, `http://me:${key}@127.0.0.1:${frontPort}/docs`), /\/api\/v1\/fleet/)
  assert.doesNotMatch(await pageOf(folder, `http://me:wrong@127.0.0.1:${frontPort}/docs`), /\/api\/v1\/fleet/)
  assert.equal((await weir.stop()).code, 0)
})
