import { createWriteStream } from 'node:fs'
import { once } from 'node:events'
import { join } from 'node:path'
import duckdb from '@duckdb/node-api'
import { openFlows, RunNormaliser } from '../../src/index.ts'
import type { DuckDBConnection } from '@duckdb/node-api'
import type { TaskInput } from '../../src/index.ts'

/** Elements that the oracle computes with; all as text, so that nothing is lost or refused. */
const elements = [
  'sourceIPv4Address',
  'sourceIPv6Address',
  'destinationIPv4Address',
  'destinationIPv6Address',
  'octetDeltaCount',
  'octetTotalCount',
  'initiatorOctets',
  'layer2OctetDeltaCount',
  'postOctetDeltaCount',
  'packetDeltaCount',
  'packetTotalCount',
  'initiatorPackets',
  'postPacketDeltaCount',
  'deltaFlowCount',
  'protocolIdentifier',
  'tcpControlBits',
  'sourceTransportPort',
  'udpSourcePort',
  'tcpSourcePort',
  'destinationTransportPort',
  'udpDestinationPort',
  'tcpDestinationPort',
  'samplingRate'
]

/** A repeated element is an array: its first value counts. */
const value = (name: string): string =>
  `CASE WHEN ${name} LIKE '[%' THEN json_extract_string(${name}, '$[0]') ELSE ${name} END`
const number = (...names: string[]): string =>
  `coalesce(${names.map(name => `TRY_CAST(${value(name)} AS DOUBLE)`).join(', ')})`
const text = (ipv4: string, ipv6: string): string =>
  `CASE WHEN ${ipv4} IS NULL OR (${value(ipv4)} = '0.0.0.0' AND ${ipv6} IS NOT NULL) THEN ${value(ipv6)} ELSE ${value(ipv4)} END`

/** DuckDB over the records of captures as JSON lines: an independent computation on the same input. */
export class DuckdbFlows {
  readonly #connection: DuckDBConnection
  readonly #folder: string
  #files = 0

  private constructor(connection: DuckDBConnection, folder: string) {
    this.#connection = connection
    this.#folder = folder
  }

  static async open(folder: string): Promise<DuckdbFlows> {
    const instance = await duckdb.DuckDBInstance.create(':memory:', { threads: '2' })
    return new DuckdbFlows(await instance.connect(), folder)
  }

  /** Records of these inputs become the table `flows`: src, dst, octets, packets, flows, rate, proto, tcpflags, sport, dport. */
  async load(inputs: readonly TaskInput[]): Promise<void> {
    const path = join(this.#folder, `${this.#files++}.ndjson`)
    await writeJson(inputs, path)
    const columns = elements.map(name => `'${name}': 'VARCHAR'`).join(', ')
    await this.#connection.run(`CREATE OR REPLACE TABLE flows AS SELECT
      ${text('sourceIPv4Address', 'sourceIPv6Address')} AS src,
      ${text('destinationIPv4Address', 'destinationIPv6Address')} AS dst,
      coalesce(${number('octetDeltaCount', 'octetTotalCount', 'initiatorOctets', 'layer2OctetDeltaCount', 'postOctetDeltaCount')}, 0) AS octets,
      coalesce(${number('packetDeltaCount', 'packetTotalCount', 'initiatorPackets', 'postPacketDeltaCount')}, 0) AS packets,
      coalesce(nullif(${number('deltaFlowCount')}, 0), 1) AS flows,
      coalesce(nullif(${number('samplingRate')}, 0), 1) AS rate,
      ${number('protocolIdentifier')} AS proto,
      ${number('tcpControlBits')} AS tcpflags,
      ${number('sourceTransportPort', 'udpSourcePort', 'tcpSourcePort')} AS sport,
      ${number('destinationTransportPort', 'udpDestinationPort', 'tcpDestinationPort')} AS dport
      FROM read_json('${path}', format = 'newline_delimited', columns = {${columns}}, maximum_object_size = 16777216)`)
  }

  async rows(sql: string): Promise<Record<string, unknown>[]> {
    const reader = await this.#connection.runAndReadAll(sql)
    return reader.getRowObjects()
  }
}

async function writeJson(inputs: readonly TaskInput[], path: string): Promise<void> {
  const flows = openFlows(inputs, { limits: { expansion: 100, memoryOctets: 2 ** 26 } })
  const plan = { kind: 'json', numbers64: 'number', lineage: false, sampling: true } as const
  const normaliser = new RunNormaliser(plan, flows.registry)
  const file = createWriteStream(path)
  await flows.read({
    onRun: run => normaliser.run(run, ({ octets, endOffset }) => void file.write(octets.slice(0, endOffset)))
  })
  file.end()
  await once(file, 'close')
}
