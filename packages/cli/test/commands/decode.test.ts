import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { after, describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { decodeCommand } from '../../src/commands/decode.ts'
import { runDecode } from '../../src/decode/run-decode.ts'
import type { DecodeRequest } from '../../src/decode/run-decode.ts'

const folder = mkdtempSync(join(tmpdir(), 'weir-decode-'))
after(() => rmSync(folder, { recursive: true }))

function file(name: string, ...parts: readonly string[]): string {
  const path = join(folder, name)
  writeFileSync(path, Buffer.from(parts.join(''), 'hex'))
  return path
}

/** RFC 7011 Appendix A: two templates, three Data Records, two options records. */
const rfc7011 =
  '000a00986553f10000000000000000010002001c0100000500080004000c0004000f0004000200040001000401000040c000020cc00002fec0000201' +
  '0000139100518c81c000021bc0000217c0000202000002ec0005ef46c0000238c0000241c000020300000005000019860003001801020003000100' +
  '8d000400290002002a000200000102001400000001015927d90000000202b24fb2'
/** NetFlow v5 with one record. */
const v5 =
  '00050001000186a06553f1001dcd6500000003e8010240640a0000010a0000020a0000fe000300040000000a000005dc00015f9000017318' +
  '303901bb001b0600fde9fdea18100000'
const templateOnly = '000a001c6553f10000000000000000010002000c0100000100520008'
const hostileString = '000a001c6553f10000000000000000010100000c1b5b324a41220a00'

const whole: DecodeRequest = {
  files: [],
  format: 'json',
  isJson: false,
  ports: [],
  input: 'auto',
  numbers64: 'string',
  isStrict: false,
  elementFiles: [],
  maxMebibytes: 16
}

async function decode(request: Partial<DecodeRequest>): Promise<{ out: string; err: string }> {
  const texts = { out: '', err: '' }
  const into = (name: 'out' | 'err'): Writable =>
    new Writable({
      write(chunk, _encoding, done) {
        texts[name] += String(chunk)
        done()
      }
    })
  await runDecode({ ...whole, ...request }, { stdout: into('out'), stderr: into('err') })
  return texts
}

const code = (value: string, exitCode: number) => (error: unknown) => {
  const coded = error as { code?: string; exitCode?: number; message: string }
  assert.deepEqual([coded.code, coded.exitCode], [value, exitCode], coded.message)
  assert.doesNotMatch(coded.message, /\n./)
  return true
}

describe('weir decode prints', () => {
  test('records as JSON lines with names, exporter, domain, version, template and Export Time', async () => {
    const { out } = await decode({ files: [file('a.ipfix', rfc7011)] })
    const lines = out
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as Record<string, unknown>)
    assert.equal(lines.length, 5)
    assert.deepEqual(lines[0], {
      exportTime: '2023-11-14T22:13:20Z',
      exporter: null,
      exporterPort: null,
      version: 10,
      odid: 1,
      templateId: 256,
      values: {
        sourceIPv4Address: '192.0.2.12',
        destinationIPv4Address: '192.0.2.254',
        ipNextHopIPv4Address: '192.0.2.1',
        packetDeltaCount: 5009,
        octetDeltaCount: 5344385
      }
    })
    assert.deepEqual(lines[4].scope, ['lineCardId'])
  })

  test('a summary as one object, in all and by version, of several files as one case', async () => {
    const files = [file('t.dat', templateOnly), file('d.dat', hostileString), file('v5.dat', v5)]
    const { out } = await decode({ files, format: 'summary', isJson: true })
    const summary = JSON.parse(out) as Record<string, unknown>
    assert.deepEqual(Object.keys(summary), [
      'messages',
      'templates',
      'optionsTemplates',
      'withdrawals',
      'dataRecords',
      'optionsRecords',
      'sflowSamples',
      'undecodableSets',
      'malformedMessages',
      'byVersion',
      'faults',
      'capture'
    ])
    assert.deepEqual([summary.messages, summary.templates, summary.dataRecords], [3, 1, 2])
    assert.deepEqual(Object.keys(summary.byVersion as object), ['5', '10'])
  })

  test('a summary and its faults for people', async () => {
    const { out } = await decode({
      files: [file('odd.ipfix', rfc7011, '000a0010'), file('v5b.dat', v5)],
      format: 'summary'
    })
    assert.match(out, /NetFlow v5 +IPFIX +all/)
    assert.match(out, /Data Records +1 +3 +4\n/)
  })

  test('tables, one for each template, with nothing in them that moves a cursor', async () => {
    const { out } = await decode({ files: [file('a.ipfix', rfc7011)], format: 'table' })
    assert.match(
      out,
      /^IPFIX from an unnamed exporter, Observation Domain 1, Template 256\nexportTime +sourceIPv4Address/
    )
    assert.match(out, /Options Template 258\nexportTime +lineCardId\*/)
    const hostile = await decode({
      files: [file('t.dat', templateOnly), file('d.dat', hostileString)],
      format: 'table'
    })
    assert.ok(hostile.out.includes('\\u001b[2JA\\"\\u000a'))
    assert.ok(!hostile.out.includes('\u001b'))
  })

  test('R5655-10.1-1 what gzip holds', async () => {
    const path = join(folder, 'a.ipfix.gz')
    writeFileSync(path, gzipSync(Buffer.from(rfc7011, 'hex')))
    assert.equal((await decode({ files: [path] })).out.split('\n').length, 6)
  })

  test('names from a file of elements', async () => {
    const elements = join(folder, 'elements.csv')
    writeFileSync(elements, '32473,15,acmeOctets,unsigned32\n')
    const message = '000a002c6553f10000000000000000010002001001000001800f000400007ed90100000c0000002a0000002b'
    const { out } = await decode({ files: [file('e.ipfix', message)], elementFiles: [elements] })
    assert.match(out, /"values":\{"acmeOctets":42\}/)
  })

  test('R5610-3.9-1 names that the exporter gave in type records', async () => {
    const types =
      '000a00496553f1000000000000000001000300220' +
      '10c00060002015a0004012f00020153000101580001015900020155ffff010c001700007ed9000f030300020861636d654f637473'
    const data = '000a00286553f10000000000000000010002001001000001800f000400007ed9010000080000002a'
    const { out } = await decode({ files: [file('types.ipfix', types, data)] })
    assert.match(out, /"values":\{"acmeOcts":42\}/)
  })
})

describe('weir decode refuses', () => {
  test('a file that is not there, or a folder: exit 66', async () => {
    await assert.rejects(decode({ files: [join(folder, 'absent.pcap')] }), code('INPUT_UNREADABLE', 66))
    await assert.rejects(decode({ files: [folder] }), code('INPUT_UNREADABLE', 66))
  })

  test('what is no capture, is empty, or all malformed: exit 65', async () => {
    await assert.rejects(decode({ files: [file('x.txt', '48656c6c6f2c20776f726c64')] }), code('NOTHING_DECODED', 65))
    await assert.rejects(decode({ files: [file('empty.pcap')] }), code('NOTHING_DECODED', 65))
    await assert.rejects(decode({ files: [file('bad.bin', '000a0040000000')] }), code('NOTHING_DECODED', 65))
  })

  test('TH-36 a gzip bomb at its bound, damaged gzip and bzip2: exit 65', async () => {
    const bomb = join(folder, 'bomb.ipfix.gz')
    writeFileSync(bomb, gzipSync(Buffer.concat([Buffer.from(rfc7011, 'hex'), Buffer.alloc(8 * 2 ** 20)])))
    await assert.rejects(decode({ files: [bomb], maxMebibytes: 4 }), code('INPUT_TOO_LARGE', 65))
    await assert.rejects(
      decode({ files: [file('cut.gz', '1f8b0800000000000003ffffff')] }),
      code('INPUT_COMPRESSED', 65)
    )
    await assert.rejects(decode({ files: [file('x.bz2', '425a68393141592653')] }), code('INPUT_COMPRESSED', 65))
  })

  test('a file of elements with errors, naming each line: exit 65', async () => {
    const elements = join(folder, 'wrong.csv')
    writeFileSync(elements, '0,8,mine,unsigned32\n')
    const refused = decode({ files: [file('a.ipfix', rfc7011)], elementFiles: [elements] })
    await assert.rejects(refused, { code: 'ELEMENT_FILE', exitCode: 65 })
  })

  test('options that are wrong, and no file at all', async () => {
    for (const words of [['--port', '0', 'x'], ['--port', '65536', 'x'], ['--format', 'xml', 'x'], []]) {
      const command = decodeCommand()
        .exitOverride()
        .configureOutput({ writeErr() {}, writeOut() {} })
      await assert.rejects(command.parseAsync(words, { from: 'user' }), /CommanderError|argument|invalid/)
    }
  })

  test('to write on when its reader has gone', async () => {
    const many = file('many.ipfix', rfc7011.repeat(3000))
    const script = `
      import { decodeCommand } from '${join(import.meta.dirname, '../../src/commands/decode.ts')}'
      await decodeCommand().parseAsync(['--json', '${many}'], { from: 'user' })`
    const child = execFile(process.execPath, ['--input-type=module', '-e', script])
    child.stdout?.once('data', () => child.stdout?.destroy())
    const status = await new Promise(resolve => child.once('exit', resolve))
    assert.equal(status, 0)
  })
})
