import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { CaptureReader } from '@weir/ipfix'
import { absent, toolPath } from '../../../../test/support/debian-tools.ts'
import { startNfcapd } from '../../../../test/support/nfcapd.ts'
import { queryTask } from '../../src/query/query-task.ts'
import { captureCases, capturesFolder, inputOf, skipCaptures } from '../support/captures.ts'
import { folderOf } from '../support/folder.ts'
import { runTask } from '../support/done-task.ts'
import type { TestContext } from 'node:test'
import type { QueryParams } from '../../src/query/query-params.ts'

const skip = skipCaptures !== false ? skipCaptures : absent('nfcapd', 'nfdump')
/** One of each version, and of several exporters. */
const names = ['live/pmacct-v9', 'live/pmacct-v10', 'live/fprobe-v5', 'graylog/nprobe-netflow9-3', 'ipfixcol/02-odid0']

/** The messages of a capture to nfcapd, as their exporters sent them. @returns the folder of its files. */
async function toNfcapd(context: TestContext, paths: readonly string[]): Promise<string> {
  const folder = folderOf(context)
  const nfcapd = await startNfcapd(folder, 'query')
  const socket = createSocket('udp4')
  const reader = new CaptureReader()
  for (const path of paths) {
    reader.begin()
    for (const { octets } of [...reader.push(readFileSync(path)), ...reader.end()]) {
      const sent = Buffer.from(octets)
      await new Promise<void>(resolve => socket.send(sent, nfcapd.port, '127.0.0.1', () => resolve()))
      await setTimeout(0)
    }
  }
  socket.close()
  await nfcapd.stop()
  return join(folder, 'nfcapd-query')
}

/** Value, flows, packets and octets of each line of `nfdump -s`. */
function statistics(folder: string, statistic: string, top: number, filter: string): (string | number)[][] {
  const options = ['-R', folder, '-s', statistic, '-n', String(top), '-o', 'csv', '-N', filter]
  const lines = execFileSync(toolPath('nfdump'), options, { encoding: 'utf8' }).split('\n')
  const head = lines.findIndex(line => line.startsWith('ts,te,td,pr,val,'))
  const end = lines.indexOf('', head)
  return lines.slice(head + 1, end).map(line => {
    const cells = line.split(',')
    return [cells[4], Number(cells[5]), Number(cells[7]), Number(cells[9])]
  })
}

async function ask(
  context: TestContext,
  paths: readonly string[],
  params: QueryParams
): Promise<(string | number)[][]> {
  const metrics: QueryParams['metrics'] = [
    { of: 'flows' },
    { of: 'sum', field: 'packets' },
    { of: 'sum', field: 'octets' }
  ]
  const inputs = paths.map(path => inputOf(path))
  const done = await runTask(context, queryTask, { metrics, order: { metric: 2 }, ...params }, inputs)
  const { rows } = JSON.parse(done.text('query.json')) as { rows: (string | number)[][] }
  return rows.map(([value, ...counts]) => [String(value), ...counts])
}

const nfdumpFilter = 'ipv4 and (proto tcp or proto udp)'

const sorted = (rows: readonly (string | number)[][]): string[] => rows.map(row => row.join()).toSorted()

describe('query against nfdump', { skip }, () => {
  for (const name of names) {
    test(`has the groups, sums and top-N of nfdump for ${name}`, async context => {
      const { files } = captureCases.find(each => each.name === name)!
      const paths = files.map(({ path }) => join(capturesFolder, path))
      const folder = await toNfcapd(context, paths)
      const questions = [
        ['srcip', 'src'],
        ['dstip', 'dst'],
        ['dstport', 'destinationTransportPort'],
        ['proto', 'protocolIdentifier']
      ] as const
      for (const [statistic, field] of questions) {
        // nfdump has no ports of other protocols: of ICMP the field is type and code.
        const filter = 'has sourceIPv4Address and proto in (tcp, udp)'
        const params: QueryParams = { filter, groupBy: [field], limit: 100_000 }
        const ours = await ask(context, paths, params)
        const theirs = statistics(folder, `${statistic}/bytes`, 0, nfdumpFilter)
        assert.ok(ours.length > 0)
        assert.deepEqual(sorted(ours), sorted(theirs), statistic)
        // Of equal sums each names another: the sums of the first are the same.
        const top = statistics(folder, `${statistic}/bytes`, 5, nfdumpFilter)
        const first = await ask(context, paths, { ...params, topN: 5 })
        assert.deepEqual(
          first.map(row => row.at(-1)),
          top.map(row => row.at(-1))
        )
      }
    })
  }
})
