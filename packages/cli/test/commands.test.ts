import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { readYaml, resolveConfig } from '@weir/config'

const bin = fileURLToPath(new URL('../bin/weir.mjs', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'weir-cli-'))
after(() => rmSync(folder, { recursive: true }))

function weir(
  args: readonly string[],
  env: Record<string, string> = {}
): { code: number | null; out: string; err: string } {
  const own = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('WEIR_') && name !== 'NODE_OPTIONS')
  )
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...args], {
    cwd: folder,
    encoding: 'utf8',
    timeout: 30_000,
    env: { ...own, ...env }
  })
  return { code: status, out: stdout, err: stderr }
}

function fileOf(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

test('--version and --help end with 0, --help shows examples and exit codes', () => {
  assert.match(weir(['--version']).out, /^\d+\.\d+\.\d+\n$/)
  const { code, out } = weir(['--help'])
  assert.equal(code, 0)
  assert.match(out, /Examples:[^]*Exit codes:/)
})

test('generate has a --version of its own, that of the protocol', () => {
  assert.match(
    weir(['generate', '--version', '8', '--to', 'udp://127.0.0.1:9']).err,
    /--version.*Allowed choices are 5, 9, 10/
  )
})

test('replay and generate say in one sentence what is wrong, with the exit codes of their help', () => {
  const capture = fileURLToPath(new URL('../../../test/fixtures/captures/softflowd-v9.pcap', import.meta.url))
  const ipfix = fileURLToPath(new URL('../../../test/fixtures/captures/openvswitch-ipfix.pcap', import.meta.url))
  const to = ['--to', 'udp://127.0.0.1:9']
  const cases: [number, RegExp, string[]][] = [
    [64, /Give udp:\/\/host:port or tcp/, ['replay', capture, '--to', 'http://127.0.0.1:80']],
    [64, /Give a number from 0 on/, ['replay', capture, ...to, '--speed', '-1']],
    [64, /cannot be used with/, ['replay', capture, ...to, '--as-fast-as-possible', '--rate', '5']],
    [66, /nowhere\.pcap/, ['replay', 'nowhere.pcap', ...to]],
    [69, /does not take a connection \(ECONNREFUSED\)/, ['replay', ipfix, '--to', 'tcp://127.0.0.1:1', '--speed', '0']],
    [69, /does not take a connection \(ECONNREFUSED\)/, ['generate', '--to', 'tcp://127.0.0.1:1', '--records', '1']],
    [69, /no-such-host\.invalid/, ['generate', '--to', 'udp://no-such-host.invalid:4739', '--records', '1']],
    [69, /no-such-host\.invalid/, ['receive', '--listen', 'udp://no-such-host.invalid:4739']]
  ]
  for (const [expected, sentence, args] of cases) {
    const { code, err } = weir(args)
    assert.deepEqual([code, sentence.test(err)], [expected, true], `${args.join(' ')}: ${code} ${err}`)
    assert.ok(!err.includes('    at '), err)
  }
})

test('replay --speed 0 does not wait', () => {
  const capture = fileURLToPath(new URL('../../../test/fixtures/captures/softflowd-v9.pcap', import.meta.url))
  const { code, out } = weir(['replay', capture, '--to', 'udp://127.0.0.1:9', '--speed', '0'])
  assert.equal(code, 0)
  assert.ok(JSON.parse(out).messages > 0)
})

test('rejects an unknown command and option with 64 and what was probably meant', () => {
  const { code, err } = weir(['chekc'])
  assert.deepEqual([code, /Did you mean check/.test(err)], [64, true])
  assert.equal(weir(['up', '--nonsense']).code, 64)
})

test('check says that a configuration is right', () => {
  const { code, out } = weir(['check', fileOf('right.yaml', 'collector: { allow: [192.0.2.0/24] }\n')])
  assert.deepEqual([code, out.endsWith('right.yaml is right: 3 listeners, 0 destinations\n')], [0, true])
})

test('F-38 check names every error of a wrong one and ends with 78', () => {
  const { code, err } = weir(['check', fileOf('wrong.yaml', 'log: { level: loud }\nlink: { batchAgeMs: 0 }\n')])
  assert.equal(code, 78)
  assert.match(err, /2 errors\n {2}log\.level: "loud" is not allowed \(allowed: debug \| info/)
  assert.match(err, /\n {2}link\.batchAgeMs: 0 is not allowed/)
})

test('check of a file that is not there is one sentence and 78', () => {
  const { code, err } = weir(['check', 'nowhere.yaml'])
  assert.deepEqual([code, err], [78, 'weir: configuration nowhere.yaml: there is no such file\n'])
})

test('check reads the element files too', () => {
  const { code, err } = weir(['check', fileOf('elements.yaml', 'collector: { elementFiles: [nowhere.csv] }\n')])
  assert.equal(code, 78)
  assert.match(err, /collector\.elementFiles\[0\]: cannot be read: .*nowhere\.csv/)
})

test('dump prints the effective document, which resolves to itself', () => {
  const { code, out } = weir(['dump'], { WEIR_COORDINATOR_PORT: '8091' })
  assert.equal(code, 0)
  const { config } = resolveConfig(readYaml(out, 'dump'))
  assert.deepEqual([config.coordinator.port, readYaml(out, 'dump')], [8091, config])
})

test('up refuses a wrong configuration with 78 before anything is started', () => {
  const { code, err } = weir(['up', '--config', fileOf('wrong-up.yaml', 'collector: { listeners: [] }\n')])
  assert.deepEqual([code, /collector\.listeners: has 0 entries/.test(err)], [78, true])
})

test('up says in one sentence that a port is busy, and ends with 69', async () => {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const file = fileOf('busy.yaml', JSON.stringify({ stateDir: join(folder, 'var'), coordinator: { port } }))
  const { code, err } = weir(['up', '--config', file])
  server.close()
  assert.equal(code, 69, err)
  assert.match(err, new RegExp(`^weir: .*127\\.0\\.0\\.1:${port} is in use by another process`, 'm'))
})
