import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Chromium } from '../support/chromium.ts'
import { absent } from '../support/debian-tools.ts'
import { freePort } from '../support/free-port.ts'
import { launchWeir } from '../support/running-weir.ts'
import { tempFolder } from '../support/temp-folder.ts'

const text = 'document.body?.innerText ?? ""'

test(
  'the web API asks a browser for a key, shows its docs page for it, and a call is made from there',
  { skip: absent('chromium') },
  async () => {
    const folder = tempFolder('front-in-a-browser')
    const frontPort = await freePort()
    const weir = await launchWeir(folder, await freePort(), await freePort(), {
      config: { front: { port: frontPort } }
    })
    await weir.waitUntilReady()
    await weir.child.waitForText('Weir is ready')
    const docs = `http://127.0.0.1:${frontPort}/docs`
    const browser = await new Chromium(folder).start()
    browser.credentials = { username: 'me', password: readFileSync(join(folder, 'var/admin.key'), 'utf8').trim() }
    await browser.open(docs)
    await browser.waitFor(`(${text}).includes('/api/v1/fleet')`)
    assert.ok(browser.asked > 0, 'it asked for the key')

    // As a person would: open the route, try it out, execute.
    const block = `document.getElementById('operations-health-get_version') ?? [...document.querySelectorAll('.opblock')].find(each => each.innerText.includes('/version'))`
    const click = (selector: string): Promise<unknown> =>
      browser.evaluate(`(${block}).querySelector('${selector}').click()`)
    await browser.waitFor(`(${block}) !== undefined`)
    await click('.opblock-summary-control')
    await browser.waitFor(`(${block}).querySelector('.try-out__btn') !== null`)
    await click('.try-out__btn')
    await browser.waitFor(`(${block}).querySelector('.execute') !== null`)
    await click('.execute')
    await browser.waitFor(`(${block}).querySelector('.live-responses-table .response-col_status') !== null`)
    const answer = String(await browser.evaluate(`(${block}).querySelector('.live-responses-table').innerText`))
    assert.match(answer, /200/)
    assert.match(answer, /"node": "v\d+/)
    await browser.stop()

    const stranger = await new Chromium(join(folder, 'stranger')).start()
    stranger.credentials = { username: 'me', password: 'wrong' }
    // Asked again and again, as each answer is wrong, until the address is refused for a while.
    await stranger.open(docs)
    await stranger.waitFor(`(${text}).includes('KEY_WRONG') || (${text}).includes('TOO_MANY_REQUESTS')`)
    assert.doesNotMatch(String(await stranger.evaluate(text)), /\/api\/v1\/fleet/)
    await stranger.stop()
    assert.equal((await weir.stop()).code, 0)
  }
)
