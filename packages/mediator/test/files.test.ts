import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { FakeClock } from '@weir/runtime'
import { batchOf, flowBatch, layoutOf, sourceOf } from './support/batches.ts'
import { Rig } from './support/rig.ts'
import { StrictReader, numberOf } from './support/strict-reader.ts'

let folder = ''
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'weir-files-'))))
afterEach(() => rmSync(folder, { recursive: true }))

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index)

function readFile(path: string): StrictReader {
  const reader = new StrictReader('file')
  reader.readAll(readFileSync(path))
  return reader
}

test('R5655-7.2-1 files rotate by size, and each decodes alone: templates and options first, sequence from 0', async () => {
  const rig = new Rig()
  rig.add({
    id: 'f',
    type: 'ipfix-file',
    path: folder,
    rotate: { octets: 65_536, seconds: null },
    queue: { policy: 'block' }
  })
  const source = sourceOf()
  const options = layoutOf('302:8 305:4 306:4', 1)
  rig.push(batchOf([{ layout: options, source, records: [new Uint8Array(16)] }]))
  for (let round = 0; round < 20; round++) {
    rig.push(flowBatch(source, 500, round * 500))
    await rig.settled()
  }
  await rig.stop()
  const names = readdirSync(folder)
  assert.ok(names.length > 3)
  assert.ok(
    names.every(name => /^weir-\d{8}T\d{6}Z(-\d+)?\.ipfix$/.test(name)),
    names.join()
  )
  const byNumber = names.toSorted((a, b) =>
    a.replace('Z.', 'Z-0.').localeCompare(b.replace('Z.', 'Z-0.'), 'en', { numeric: true })
  )
  const readers = byNumber.map(name => readFile(join(folder, name)))
  for (const reader of readers) {
    assert.equal(reader.messages[0]!.sequence, 0)
    assert.equal(reader.records.filter(({ isOptions }) => isOptions).length, 1)
    assert.ok(reader.records[0]!.isOptions)
  }
  const flows = readers.flatMap(({ records }) => records).filter(({ isOptions }) => !isOptions)
  assert.deepEqual(
    flows.map(record => numberOf(record, '32473.1')),
    upTo(10_000)
  )
  assert.equal(rig.ledger.destinations.f!.sent, 10_001)
})

test('a file has its final name only when it is whole, and files rotate with the clock', async () => {
  const clock = new FakeClock(1_767_225_610_000)
  const rig = new Rig({ clock })
  rig.add({ id: 'f', type: 'ipfix-file', path: join(folder, 'flows-%Y%m%d%H%M%S.ipfix'), rotate: { seconds: 60 } })
  const source = sourceOf()
  rig.push(flowBatch(source, 10))
  await rig.settled()
  assert.deepEqual(readdirSync(folder), ['flows-20260101000010.ipfix.part'])
  clock.advance(49_000)
  rig.destinations.tick()
  assert.deepEqual(readdirSync(folder), ['flows-20260101000010.ipfix.part'])
  clock.advance(1_000)
  rig.destinations.tick()
  rig.push(flowBatch(source, 10, 10))
  await rig.settled()
  assert.deepEqual(readdirSync(folder).toSorted(), ['flows-20260101000010.ipfix', 'flows-20260101000100.ipfix.part'])
  // Nothing arrives in the next minute: no empty file.
  clock.advance(60_000)
  rig.destinations.tick()
  clock.advance(60_000)
  rig.destinations.tick()
  await rig.destinations.stop(1_000)
  assert.deepEqual(readdirSync(folder).toSorted(), ['flows-20260101000010.ipfix', 'flows-20260101000100.ipfix'])
  assert.equal(readFile(join(folder, 'flows-20260101000100.ipfix')).records.length, 10)
})

test('only so many finished files are kept', async () => {
  const rig = new Rig()
  writeFileSync(join(folder, 'other.txt'), 'not ours')
  rig.add({ id: 'f', type: 'ipfix-file', path: folder, rotate: { octets: 65_536, seconds: null, keep: 2 } })
  const source = sourceOf()
  for (let round = 0; round < 20; round++) {
    rig.push(flowBatch(source, 2_000, round * 2_000))
    await rig.settled()
  }
  await rig.stop()
  const names = readdirSync(folder)
  assert.equal(names.length, 3)
  assert.ok(names.includes('other.txt'))
})

test('JSON lines: hostile text stays within its line and its string', async () => {
  const rig = new Rig()
  const path = join(folder, 'flows.json')
  rig.add({ id: 'j', type: 'json', target: `file:${path}` })
  const texts = [
    'a"b\\c',
    'line\nfeed\r\u0000\u001b[31m',
    '\u2028\u2029\u202e',
    '</script>',
    '{"a":1}',
    '💣',
    'x'.repeat(300)
  ]
  const layout = layoutOf('82:v 32473.1:8')
  const records = [...texts.map(text => Buffer.from(text)), Buffer.from([0xff, 0xfe, 0x22]), Buffer.alloc(0)].map(
    (text, index) => {
      const head = text.length < 255 ? [text.length] : [255, text.length >> 8, text.length & 255]
      const record = new Uint8Array(head.length + text.length + 8)
      record.set(head)
      record.set(text, head.length)
      record[record.length - 1] = index
      return record
    }
  )
  rig.push(batchOf([{ layout, source: sourceOf(), records }]))
  await rig.settled()
  await rig.stop()
  const text = readFileSync(path, 'utf8')
  const lines = text.split('\n')
  assert.equal(lines.pop(), '')
  assert.equal(lines.length, records.length)
  const read = lines.map(line => JSON.parse(line) as Record<string, unknown>)
  assert.deepEqual(
    read.slice(0, texts.length).map(object => object.interfaceName),
    texts
  )
  assert.ok(lines.every(line => !/[\u0000-\u001f]/.test(line)))
  assert.equal(rig.ledger.destinations.j!.sent, records.length)
})

test('JSON files rotate at line bounds, go on after a restart, and are kept up to a number', async () => {
  const clock = new FakeClock(1_767_225_600_000)
  const path = join(folder, 'flows.json')
  const config = { id: 'j', type: 'json', target: `file:${path}`, rotate: { octets: 65_536, keep: 2 } }
  let first = 0
  for (let run = 0; run < 2; run++) {
    const rig = new Rig({ clock })
    rig.add(config)
    for (let round = 0; round < 8; round++) {
      rig.push(flowBatch(sourceOf(), 300, first))
      first += 300
      await rig.settled()
      clock.advance(1_000)
    }
    rig.push(flowBatch(sourceOf(), 10, first))
    first += 10
    await rig.settled()
    await rig.stop()
  }
  const names = readdirSync(folder).toSorted()
  assert.equal(names.length, 3)
  assert.equal(names[0], 'flows.json')
  assert.ok(names.slice(1).every(name => /^flows\.json\.\d{8}T\d{6}Z(-\d+)?$/.test(name)))
  const serials = [...names.slice(1), names[0]!].flatMap(name => {
    const lines = readFileSync(join(folder, name), 'utf8').split('\n')
    assert.equal(lines.pop(), '', 'each file ends with a whole line')
    return lines.map(line => (JSON.parse(line) as Record<string, number>)['en32473:id1'])
  })
  // Two files of 300 and what was begun after them, without a gap.
  assert.equal(serials.length, 610)
})

test('a line six times as long as its record is written', async () => {
  const rig = new Rig()
  const path = join(folder, 'long.json')
  rig.add({ id: 'j', type: 'json', target: `file:${path}` })
  // Control octets: each becomes six of text.
  const long = new Uint8Array(3 + 65_000).fill(1)
  long.set([255, 65_000 >> 8, 65_000 & 255])
  rig.push(batchOf([{ layout: layoutOf('82:v'), source: sourceOf(), records: [long] }]))
  await rig.settled()
  await rig.stop()
  assert.equal(rig.ledger.destinations.j!.sent, 1)
  const { interfaceName } = JSON.parse(readFileSync(path, 'utf8')) as { interfaceName: string }
  assert.equal(interfaceName.length, 65_000)
})

test('a line that no chunk can hold is dropped and counted; the next one follows', async () => {
  const rig = new Rig()
  const path = join(folder, 'big.json')
  rig.add({ id: 'j', type: 'json', target: `file:${path}` })
  const layout = layoutOf('291:v')
  // A basicList of booleans that mean nothing: each octet becomes `{"invalid":"00"},`, more than 1 MiB of text together.
  const listOf = (booleans: Uint8Array): Uint8Array => {
    const octets = 5 + booleans.length
    return Uint8Array.of(255, octets >> 8, octets & 255, 255, 276 >> 8, 276 & 255, 0, 1, ...booleans)
  }
  const [big, small] = [listOf(new Uint8Array(65_000)), listOf(Uint8Array.of(1))]
  rig.push(batchOf([{ layout, source: sourceOf(), records: [big, small, big, small] }]))
  await rig.settled()
  await rig.stop()
  const { sent, dropped } = rig.ledger.destinations.j!
  assert.deepEqual([sent, dropped.encode_too_big], [2, 2])
  assert.equal(readFileSync(path, 'utf8').split('\n').length, 3)
})

test('F-24 a folder that cannot be written does not end the mediator; the queue fills, and flows when it can again', async () => {
  const clock = new FakeClock()
  const rig = new Rig({ clock })
  const blocker = join(folder, 'blocked')
  writeFileSync(blocker, 'a file where a folder should be')
  rig.add({ id: 'f', type: 'ipfix-file', path: join(blocker, 'x.ipfix'), queue: { policy: 'block' } })
  rig.push(flowBatch(sourceOf(), 10))
  assert.equal(rig.destinations.states[0]!.output.status, 'waiting')
  assert.equal(rig.ledger.destinations.f!.queued, 10)
  rmSync(blocker)
  clock.advance(10_000)
  rig.destinations.tick()
  await rig.settled()
  await rig.destinations.stop(1_000)
  rig.check()
  assert.ok(statSync(join(blocker, 'x.ipfix')).size > 0)
})

test('what a process that was killed left unfinished is cut to its last whole Message and gets its name', async () => {
  const before = new Rig()
  before.add({ id: 'f', type: 'ipfix-file', path: folder, rotate: { octets: null, seconds: null } })
  before.push(flowBatch(sourceOf(), 10_000))
  await before.settled()
  await before.stop()
  const [whole] = readdirSync(folder)
  const octets = readFileSync(join(folder, whole!))
  const left = (name: string, content: Uint8Array, isOld = true): void => {
    writeFileSync(join(folder, name), content)
    if (isOld) utimesSync(join(folder, name), 1_000_000_000, 1_000_000_000)
  }
  left('weir-20260101T000000Z.ipfix.part', octets.subarray(0, octets.length - 7))
  left('weir-20260101T000100Z.ipfix.part', octets.subarray(0, 11))
  left('weir-20260101T000200Z.ipfix.part', octets)
  left('weir-20260101T000300Z.ipfix.part', octets, false)
  left('other.part', octets)
  left(whole!.replace('.ipfix', '.ipfix.part'), octets)
  const after = new Rig()
  after.add({ id: 'f', type: 'ipfix-file', path: folder })
  assert.deepEqual(
    readdirSync(folder).toSorted(),
    [
      'other.part',
      whole!,
      whole!.replace('.ipfix', '-1.ipfix'),
      'weir-20260101T000000Z.ipfix',
      'weir-20260101T000200Z.ipfix',
      'weir-20260101T000300Z.ipfix.part'
    ].toSorted()
  )
  const cut = readFile(join(folder, 'weir-20260101T000000Z.ipfix')).records.length
  assert.ok(cut > 5_000 && cut < 10_000, `${cut} records`)
  assert.equal(readFile(join(folder, 'weir-20260101T000200Z.ipfix')).records.length, 10_000)
  await after.stop()
})

test('half a line that a killed process left stays alone', async () => {
  const path = join(folder, 'flows.json')
  writeFileSync(path, '{"whole":1}\n{"hal')
  const rig = new Rig()
  rig.add({ id: 'j', type: 'json', target: `file:${path}` })
  rig.push(flowBatch(sourceOf(), 2))
  await rig.settled()
  await rig.stop()
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
  assert.deepEqual(lines.slice(0, 2), ['{"whole":1}', '{"hal'])
  assert.equal(lines.length, 4)
  for (const line of lines.slice(2)) JSON.parse(line)
})

test('a FIFO that nobody reads costs a retry, not the process', { skip: process.platform === 'win32' }, async () => {
  const path = join(folder, 'fifo')
  execFileSync('mkfifo', [path])
  const rig = new Rig()
  rig.add({ id: 'j', type: 'json', target: `file:${path}` })
  const { status, lastError } = rig.destinations.states[0]!.output
  assert.equal(status, 'waiting')
  assert.match(lastError!, /ENXIO/)
  await rig.stop(100)
})
