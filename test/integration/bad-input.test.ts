import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { Child } from '../support/child.ts'
import { freePort } from '../support/free-port.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { weir } from '../support/weir-command.ts'

const folder = tempFolder('bad-input')

function fileWith(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

/** The lines for a person: those of standard error that are not of the log. */
const sentencesOf = (child: Child): string[] =>
  child.stderr.split('\n').filter(line => line !== '' && !line.startsWith('{'))

async function fails(args: readonly string[], code: number): Promise<Child> {
  const child = weir(args, { cwd: folder })
  const { code: seen } = await child.waitForEnd(20_000)
  assert.equal(seen, code, child.said)
  assert.doesNotMatch(child.stderr, /\n\s+at .*\.ts:\d+/, 'no stack trace')
  return child
}

describe('what an operator gets wrong', { concurrency: 2 }, () => {
  test('a bad configuration: exit 78 with every error, where it is and what is allowed there', async () => {
    const file = fileWith(
      'bad.yaml',
      [
        'colector: {}',
        'log: { level: loud }',
        'collector: { listeners: [{ name: a, transport: sctp, port: 99999 }] }'
      ].join('\n')
    )
    for (const args of [
      ['up', '--config', file],
      ['check', file]
    ]) {
      const child = await fails(args, 78)
      const text = sentencesOf(child).join('\n') + child.stdout
      assert.match(text, /colector.*collector/s)
      assert.match(text, /log\.level.*debug.*info.*warn.*error/s)
      assert.match(text, /collector\.listeners.*udp.*tcp/s)
    }
  })

  test('an unknown destination scheme is named, with those that there are', async () => {
    const file = fileWith('scheme.yaml', 'destinations: [{ id: a, type: ipfix, url: "sctp://127.0.0.1:4739" }]')
    const child = await fails(['up', '--config', file], 78)
    assert.match(sentencesOf(child).join('\n'), /destinations.*url.*udp:\/\/.*tcp:\/\//s)
  })

  test('a configuration file that is not there is one sentence', async () => {
    const child = await fails(['up', '--config', join(folder, 'absent.yaml')], 78)
    const sentences = sentencesOf(child)
    assert.equal(sentences.length, 1, child.said)
    assert.match(sentences[0]!, /absent\.yaml/)
  })

  test('a busy port is one sentence with the port, and nothing is left running', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as AddressInfo
    const listeners = [{ name: 'tcp', transport: 'tcp', address: '127.0.0.1', port }]
    const config = {
      stateDir: join(folder, 'busy'),
      collector: { listeners, http: null },
      mediator: { http: null },
      coordinator: { port: await freePort() },
      front: null
    }
    const child = await fails(['up', '--config', fileWith('busy.yaml', JSON.stringify(config))], 69)
    const sentences = sentencesOf(child)
    assert.equal(sentences.length, 1, child.said)
    assert.match(sentences[0]!, new RegExp(`${port}`))
    assert.match(sentences[0]!, /in use|busy|taken/)
    taken.close()
  })

  test('a busy port of the control API is one sentence with the port', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as AddressInfo
    const config = {
      stateDir: join(folder, 'busy-api'),
      collector: { listeners: [{ name: 'udp', transport: 'udp', port: await freePort() }], http: null },
      mediator: { http: null },
      coordinator: { port },
      front: null
    }
    const child = await fails(['up', '--config', fileWith('busy-api.yaml', JSON.stringify(config))], 69)
    assert.match(sentencesOf(child).join('\n'), new RegExp(`${port}`))
    taken.close()
  })

  test('a capture that is not there: 66 and one sentence with its name', async () => {
    for (const args of [
      ['decode', 'absent.pcap'],
      ['replay', 'absent.pcap', '--to', 'udp://127.0.0.1:9']
    ]) {
      const child = await fails(args, 66)
      const sentences = sentencesOf(child)
      assert.equal(sentences.length, 1, child.said)
      assert.match(sentences[0]!, /absent\.pcap/)
    }
  })

  test('a target of an unknown kind: 64 and what there is', async () => {
    const capture = fileWith('empty.pcap', '')
    for (const args of [
      ['generate', '--to', 'sctp://127.0.0.1:4739', '--records', '1'],
      ['replay', capture, '--to', 'http://127.0.0.1:4739'],
      ['receive', '--listen', 'sctp://127.0.0.1:4739']
    ]) {
      const child = await fails(args, 64)
      assert.match(sentencesOf(child).join('\n'), /udp:\/\/.*tcp:\/\//s, args[0])
    }
  })

  test('nobody at the other end of a TCP target: 69 and one sentence', async () => {
    const child = await fails(['generate', '--to', `tcp://127.0.0.1:${await freePort()}`, '--records', '1'], 69)
    assert.equal(sentencesOf(child).length, 1, child.said)
  })
})
