/**
 * Makes the element tables of @weir/ipfix from public registries: facts alone (ids, names, types, semantics, units,
 * ranges, status), never descriptions.
 *
 *   node packages/tools/src/generate-registry.ts [--check] [folder]
 *
 * The folder (else WEIR_REGISTRIES, else ../shared/registries beside the repository) holds `iana/` and `enterprise/`.
 * `--check` writes nothing and fails when a table is not what the folder gives; without the folder it says so and passes.
 *
 * Precedence: the first source in `sources` that has (pen, id) wins; IANA's registry is alone for PEN 0. A name that is
 * taken by another element gets the vendor's name before it, so that names are unique in a registry; characters that
 * no name may have become underscores.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import {
  readAntreaCsv,
  readCodepoints,
  readIanaXml,
  readLibfdsXml,
  readLogstashYaml,
  readNtopCsv
} from './registry-sources.ts'
import type { SourceElement } from './registry-sources.ts'

interface Source {
  readonly file: string
  readonly origin: string
  readonly licence: string
  readonly date: string
  readonly read: (text: string) => SourceElement[]
}

const libfds = { origin: 'CESNET/libfds', licence: 'BSD-3-Clause', date: '2024-06-27', read: readLibfdsXml }
const netgauze = { origin: 'NetGauze/NetGauze', licence: 'Apache-2.0', date: '2026-07-27' }
const logstash = { origin: 'logstash-plugins/logstash-codec-netflow', licence: 'Apache-2.0', date: '2022-09-26' }

const sources: readonly Source[] = [
  { ...libfds, file: 'libfds-cert.xml' },
  { ...libfds, file: 'libfds-cisco.xml' },
  { ...libfds, file: 'libfds-cesnet.xml' },
  { ...libfds, file: 'libfds-flowmon.xml' },
  { ...libfds, file: 'libfds-muni.xml' },
  { ...libfds, file: 'libfds-netscaler.xml' },
  { ...libfds, file: 'libfds-vmware.xml' },
  { ...netgauze, file: 'netgauze-vmware.xml', read: text => readIanaXml(text, 6876) },
  { ...netgauze, file: 'netgauze-nokia.xml', read: text => readIanaXml(text, 637) },
  { ...netgauze, file: 'netgauze-huawei.xml', read: text => readIanaXml(text, 2011) },
  {
    file: 'telegraf-ntop-35632.csv',
    origin: 'influxdata/telegraf',
    licence: 'MIT',
    date: '2023-06-12',
    read: readNtopCsv
  },
  {
    file: 'go-ipfix-antrea-56506.csv',
    origin: 'vmware/go-ipfix',
    licence: 'Apache-2.0',
    date: '2026-07-23',
    read: readAntreaCsv
  },
  { ...logstash, file: 'logstash-ipfix.yaml', read: text => readLogstashYaml(text, 'ipfix') }
]

/** Sources of NetFlow v9 types that IPFIX does not have; types of 32768 and more stand under PEN 9. */
const netflowSources: readonly Source[] = [
  { ...libfds, file: 'libfds-netflowExtra.xml', read: text => readLibfdsXml(text, 9) },
  { ...libfds, file: 'libfds-netflow.xml', read: text => readLibfdsXml(text, 0) },
  { ...logstash, file: 'logstash-netflow.yaml', read: text => readLogstashYaml(text, 'netflow') }
]

/** What a name that is taken gets in front; every PEN of the sources has one. */
const vendors: Readonly<Record<number, string>> = {
  9: 'cisco',
  637: 'nokia',
  2011: 'huawei',
  3054: 'ixia',
  5951: 'netscaler',
  6871: 'cert',
  6876: 'vmware',
  8057: 'cesnet',
  9789: 'astaro',
  10704: 'barracuda',
  12326: 'phion',
  15397: 'procera',
  16982: 'muni',
  21373: 'netfilter',
  26866: 'gigamon',
  35632: 'ntop',
  39499: 'flowmon',
  41916: 'viptela',
  56506: 'antrea'
}

// PEN 0 comes from IANA alone and 29305 is derived from it.
const derivedPens = new Set<number>([0, 29305])

const keyOf = (element: SourceElement): string => `${element.pen}/${element.id}`
const capitalised = (name: string): string => `${name[0].toUpperCase()}${name.slice(1)}`

class Table {
  readonly names = new Set<string>()
  readonly keys = new Set<string>()
  readonly rows: SourceElement[] = []

  add(element: SourceElement, prefix: string): void {
    if (this.keys.has(keyOf(element))) return
    let name = element.name.replaceAll(/[^A-Za-z0-9_]/g, '_')
    if (this.names.has(name)) name = `${prefix}${capitalised(name)}`
    if (this.names.has(name)) name = `${name}${element.id}`
    if (!/^[A-Za-z_][A-Za-z0-9_]{0,63}$/.test(name)) throw new Error(`unsafe name: ${name} (${keyOf(element)})`)
    this.keys.add(keyOf(element))
    this.names.add(name)
    this.rows.push({ ...element, name })
  }

  /** Names and keys that a later table must respect. */
  follow(other: Table): this {
    for (const name of other.names) this.names.add(name)
    for (const key of other.keys) this.keys.add(key)
    return this
  }

  toString(): string {
    const rows = this.rows.toSorted((a, b) => a.pen - b.pen || a.id - b.id)
    return rows
      .map(row => {
        const status = row.isDeprecated ? 'd' : ''
        return [row.pen, row.id, row.name, row.type, row.semantics, row.units, row.range, status].join(',')
      })
      .join('\n')
  }
}

const command = 'node packages/tools/src/generate-registry.ts'

function head(lines: readonly string[]): string {
  return `// Generated, do not edit: ${command}\n${lines.map(line => `// ${line}\n`).join('')}`
}

const describe = (source: Source): string =>
  `${source.file}: ${source.origin}, ${source.date}, ${source.licence} (ids, names, types, semantics, units only)`

function generate(folder: string): Map<string, string> {
  const ianaText = readFileSync(join(folder, 'iana/ipfix.xml'), 'utf8')
  const updated = /<updated>(\d{4}-\d{2}-\d{2})<\/updated>/.exec(ianaText)?.[1]
  if (updated === undefined) throw new Error('iana/ipfix.xml has no date')

  const iana = new Table()
  for (const element of readIanaXml(ianaText, 0)) iana.add(element, 'iana')

  const taken = new Table().follow(iana)
  for (const name of iana.names) taken.names.add(`reverse${capitalised(name)}`)
  const vendor = new Table().follow(taken)
  for (const source of sources) {
    for (const element of source.read(readFileSync(join(folder, 'enterprise', source.file), 'utf8'))) {
      if (derivedPens.has(element.pen)) continue
      if (!Object.hasOwn(vendors, element.pen)) throw new Error(`no vendor name for PEN ${element.pen}`)
      vendor.add(element, vendors[element.pen])
    }
  }
  const netflow = new Table().follow(vendor)
  for (const source of netflowSources) {
    for (const element of source.read(readFileSync(join(folder, 'enterprise', source.file), 'utf8'))) {
      netflow.add(element, 'netflow')
    }
  }

  const natEvents = readCodepoints(ianaText, 'ipfix-nat-event-type')
  const forwarding = ['00b', '01b', '10b', '11b'].flatMap(status =>
    readCodepoints(ianaText, `forwarding-status-${status}`)
  )
  const enterprises = readFileSync(join(folder, 'iana/enterprises-wireshark-4.0.17.tsv'), 'utf8')
  const enterpriseRows = Object.keys(vendors).map(pen => {
    const name = new RegExp(`^${pen}\\t([^#(\\n]+)`, 'm').exec(enterprises)?.[1].trim()
    if (name === undefined) throw new Error(`PEN ${pen} has no name`)
    return `${pen},${name}`
  })

  const ianaHead = head([`ipfix.xml: IANA "IP Flow Information Export (IPFIX) Entities", ${updated}, CC0-1.0`])
  const vendorHead = head([
    ...[...sources, ...netflowSources].map(describe),
    'Names of enterprises: IANA "Private Enterprise Numbers", 2024-08-23, CC0-1.0'
  ])
  return new Map([
    [
      'registry-iana.gen.ts',
      `${ianaHead}\n/** Date of the IANA registry. */\nexport const ianaUpdated = '${updated}'\n\n` +
        `/** Rows as \`elementsOfTable\` reads them. */\nexport const ianaTable = \`\n${iana}\n\`\n\n` +
        `/** Values of natEvent (230): \`value,name\`. */\nexport const natEventTable = \`\n${natEvents.join('\n')}\n\`\n\n` +
        `/** Values of forwardingStatus (89), status and reason: \`value,name\`. */\n` +
        `export const forwardingStatusTable = \`\n${forwarding.join('\n')}\n\`\n`
    ],
    [
      'registry-vendors.gen.ts',
      `${vendorHead}\n/** Elements of enterprises; rows as \`elementsOfTable\` reads them. */\n` +
        `export const vendorTable = \`\n${vendor}\n\`\n\n` +
        `/** NetFlow v9 types that IPFIX does not have: pen 0, or pen 9 and the type less 32768. */\n` +
        `export const netflowTable = \`\n${netflow}\n\`\n\n` +
        `/** Enterprises of the tables: \`pen,name\`. */\n` +
        `export const enterpriseTable = \`\n${enterpriseRows.join('\n')}\n\`\n`
    ]
  ])
}

function main(): number {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { check: { type: 'boolean' } } })
  const root = fileURLToPath(new URL('../../../', import.meta.url))
  const folder = resolve(positionals[0] ?? process.env.WEIR_REGISTRIES ?? join(root, '../shared/registries'))
  if (!existsSync(folder)) {
    console.error(`generate-registry: SKIPPED, there is no folder ${folder}; the tables are kept as they are`)
    return values.check === true ? 0 : 1
  }
  let stale = 0
  for (const [name, text] of generate(folder)) {
    const path = join(root, 'packages/ipfix/src', name)
    if (values.check !== true) writeFileSync(path, text)
    else if (!existsSync(path) || readFileSync(path, 'utf8') !== text) {
      console.error(`generate-registry: ${name} is not current; run: ${command}`)
      stale++
    }
  }
  return stale === 0 ? 0 : 1
}

process.exitCode = main()
