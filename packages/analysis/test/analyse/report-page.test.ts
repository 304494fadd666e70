import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, test } from 'node:test'
import { XMLValidator } from 'fast-xml-parser'
import { tasks } from '../../src/index.ts'
import { inputOf } from '../support/captures.ts'
import { runTask } from '../support/run-task.ts'
import type { TestContext } from 'node:test'

const analyse = tasks.find(({ name }) => name === 'analyse')!
const fixtures = resolve(import.meta.dirname, '../../../../test/fixtures/captures')
const captures = readdirSync(fixtures).filter(name => name.endsWith('.pcap'))

const pageOf = async (context: TestContext, names: readonly string[], called: string = names[0]): Promise<string> => {
  const inputs = names.map((name, n) => inputOf(join(fixtures, name), n === 0 ? called : name))
  return (await runTask(context, analyse, inputs)).text('report.html')
}

/** Elements that HTML does not close, closed, so that an XML parser can check the rest. */
const asXml = (page: string): string =>
  page
    .replace('<!doctype html>', '')
    .replaceAll(/<(meta|input)([^>]*?)\/?>/g, '<$1$2/>')
    .replaceAll(/ checked(?=[ /])/g, ' checked="checked"')

describe('report.html', () => {
  test('needs no script, no network and no other file, and allows its own style only', async context => {
    const page = await pageOf(context, captures)
    assert.doesNotMatch(page, /<script|<link|<img|<iframe|<object|<form|javascript:|@import|url\(/i)
    assert.doesNotMatch(page, /\s(?:src|href|xlink:href|style|on[a-z]+)\s*=/i)
    assert.doesNotMatch(page, /https?:\/\//)
    const style = /<style>([^]*?)<\/style>/.exec(page)![1]
    const hash = createHash('sha256').update(style).digest('base64')
    assert.ok(page.includes(`default-src 'none'; style-src 'sha256-${hash}'`))
  })

  for (const name of captures) {
    test(`is well-formed for ${name}, and has no number that is none`, async context => {
      const page = await pageOf(context, [name])
      assert.equal(XMLValidator.validate(asXml(page)), true)
      assert.doesNotMatch(page.replaceAll(/<title>.*?<\/title>/g, ''), /NaN|Infinity|undefined|\[object/)
    })
  }

  test('shows hostile names as text', async context => {
    const called = `"><script>alert('x')</script>\u202e\r\n.pcap`
    const page = await pageOf(context, [captures[0]], called)
    assert.ok(page.includes('&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;\\u202e\\u000d\\u000a.pcap'))
    assert.doesNotMatch(page, /<script|\u202e/)
    assert.equal(XMLValidator.validate(asXml(page)), true)
  })
})
