/** Readers of the forms in which public registries keep Information Elements. */
import { XMLParser } from 'fast-xml-parser'

/** One element of a source; cells are empty where the source says nothing that the IANA registries have a name for. */
export interface SourceElement {
  readonly pen: number
  readonly id: number
  readonly name: string
  readonly type: string
  readonly semantics: string
  readonly units: string
  /** `least-greatest` in decimal, or empty. */
  readonly range: string
  readonly isDeprecated: boolean
}

const types = new Map<string, string>(
  (
    'octetArray unsigned8 unsigned16 unsigned32 unsigned64 unsigned256 signed8 signed16 signed32 signed64 float32 ' +
    'float64 boolean macAddress string dateTimeSeconds dateTimeMilliseconds dateTimeMicroseconds ' +
    'dateTimeNanoseconds ipv4Address ipv6Address basicList subTemplateList subTemplateMultiList'
  )
    .split(' ')
    .map(type => [type.toLowerCase(), type])
)

const semanticsNames = new Set(
  'default quantity totalCounter deltaCounter identifier flags list snmpCounter snmpGauge'.split(' ')
)

const unitNames = new Set(
  'bits octets packets flows seconds milliseconds microseconds nanoseconds messages hops entries frames ports inferred'
    .split(' ')
    .concat('4-octet words')
)

const xml = new XMLParser({ ignoreAttributes: false, parseTagValue: false, isArray: name => listTags.has(name) })
const listTags = new Set(['record', 'element'])

type Node = Readonly<Record<string, unknown>>

function cell(node: Node, name: string): string {
  const value = node[name]
  return typeof value === 'string' ? value.trim() : ''
}

function typeOf(text: string): string | undefined {
  return types.get(text.toLowerCase())
}

function rangeOf(text: string): string {
  const match = /^(0x[0-9A-Fa-f]+|\d+)-(0x[0-9A-Fa-f]+|\d+)$/.exec(text)
  return match === null ? '' : `${Number(match[1])}-${Number(match[2])}`
}

function elementOf(pen: number, id: string, node: Node, semantics: string): SourceElement | undefined {
  const type = typeOf(cell(node, 'dataType'))
  if (!/^\d+$/.test(id) || type === undefined) return undefined
  const units = cell(node, 'units')
  return {
    pen,
    id: Number(id),
    name: cell(node, 'name'),
    type,
    semantics: semanticsNames.has(semantics) ? semantics : '',
    units: unitNames.has(units) ? units : '',
    range: rangeOf(cell(node, 'range')),
    isDeprecated: cell(node, 'status') === 'deprecated'
  }
}

/**
 * IANA's own form, also used by other projects. Rows without a type or a name ("Reserved", "Assigned for NetFlow v9
 * compatibility") are not elements.
 *
 * @param pen - the enterprise, which the form does not name.
 */
export function readIanaXml(text: string, pen: number): SourceElement[] {
  const root = xml.parse(text).registry as Node
  const registries = [root.registry].flat() as Node[]
  const elements: SourceElement[] = []
  for (const registry of registries) {
    for (const record of (registry.record ?? []) as Node[]) {
      const element = elementOf(pen, cell(record, 'elementId'), record, cell(record, 'dataTypeSemantics'))
      if (element !== undefined && element.name !== '') elements.push(element)
    }
  }
  return elements
}

/** The form of libfds: one enterprise a file. @param pen - instead of the one in the file. */
export function readLibfdsXml(text: string, pen?: number): SourceElement[] {
  const root = xml.parse(text)['ipfix-elements'] as Node
  const owner = pen ?? Number(cell(root.scope as Node, 'pen'))
  const elements: SourceElement[] = []
  for (const node of (root.element ?? []) as Node[]) {
    const element = elementOf(owner, cell(node, 'id'), node, cell(node, 'dataSemantics'))
    if (element !== undefined) elements.push(element)
  }
  return elements
}

// 'uint' has no size in the source; reduced-size encoding makes the largest fit all.
const ntopTypes: Readonly<Record<string, string>> = { string: 'string', uint: 'unsigned64', hex: 'octetArray' }

/** Telegraf's list of ntop's elements: `pen.id,name,type`. An `ip` is of unknown version and stays octets. */
export function readNtopCsv(text: string): SourceElement[] {
  const elements: SourceElement[] = []
  for (const line of text.split('\n')) {
    const match = /^(\d+)\.(\d+),(\w+),(\w+)$/.exec(line.trim())
    if (match === null) continue
    elements.push(plain(Number(match[1]), Number(match[2]), match[3], ntopTypes[match[4]] ?? 'octetArray'))
  }
  return elements
}

/** go-ipfix's list of Antrea's elements, in the columns of IANA's CSV; a description may run over several lines. */
export function readAntreaCsv(text: string): SourceElement[] {
  const elements: SourceElement[] = []
  for (const line of text.split('\n')) {
    const match = /^(\d+),(\w+),(\w+),(\w*),(\w*),/.exec(line)
    const type = match === null ? undefined : typeOf(match[3])
    if (match === null || type === undefined) continue
    elements.push({ ...plain(56506, Number(match[1]), match[2], type), isDeprecated: match[5] === 'deprecated' })
  }
  return elements
}

const logstashTypes: Readonly<Record<string, string>> = {
  ':uint8': 'unsigned8',
  ':uint16': 'unsigned16',
  ':uint32': 'unsigned32',
  ':uint64': 'unsigned64',
  ':int8': 'signed8',
  ':int32': 'signed32',
  ':string': 'string',
  ':ip4_addr': 'ipv4Address',
  ':ip6_addr': 'ipv6Address',
  ':mac_addr': 'macAddress',
  ':float': 'float32',
  ':double': 'float64',
  ':octetarray': 'octetArray',
  ':acl_id_asa': 'octetArray'
}

/** Logstash's two lists. In the one of NetFlow, types of 32768 and more become PEN 9; a bare number is a length. */
export function readLogstashYaml(text: string, kind: 'ipfix' | 'netflow'): SourceElement[] {
  const indent = kind === 'ipfix' ? '  ' : ''
  const entry = new RegExp(`^${indent}(\\d+):\\n${indent}- (\\S+)\\n${indent}- :?([A-Za-z]\\w*)$`, 'gm')
  const elements: SourceElement[] = []
  for (const section of kind === 'ipfix' ? text.split(/\n(?=\d+:\n)/) : [text]) {
    const pen = kind === 'ipfix' ? Number(/^(\d+):/m.exec(section)?.[1]) : 0
    for (const [, id, type, name] of section.matchAll(entry)) {
      const isVendorType = kind === 'netflow' && Number(id) >= 32768
      const known = /^\d+$/.test(type) ? 'unsigned64' : logstashTypes[type]
      if (known === undefined) continue
      elements.push(plain(isVendorType ? 9 : pen, isVendorType ? Number(id) - 32768 : Number(id), name, known))
    }
  }
  return elements
}

function plain(pen: number, id: number, name: string, type: string): SourceElement {
  return { pen, id, name, type, semantics: '', units: '', range: '', isDeprecated: false }
}

/** Rows `value,name` of one of IANA's registries of values; ranges and "Unassigned" are left out. */
export function readCodepoints(text: string, registryId: string): string[] {
  const root = xml.parse(text).registry as Node
  const registry = findRegistry(root, registryId)
  if (registry === undefined) throw new Error(`no registry ${registryId}`)
  const rows: string[] = []
  for (const record of (registry.record ?? []) as Node[]) {
    const value = cell(record, 'value')
    const name = cell(record, 'description')
    if (!/^(?:\d+|0x[0-9A-Fa-f]+)$/.test(value) || name === 'Unassigned') continue
    rows.push(`${Number(value)},${name}`)
  }
  return rows
}

function findRegistry(node: Node, id: string): Node | undefined {
  for (const child of [node.registry ?? []].flat() as Node[]) {
    const found = child['@_id'] === id ? child : findRegistry(child, id)
    if (found !== undefined) return found
  }
  return undefined
}
