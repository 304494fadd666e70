import { escapeText } from '@weir/ipfix'
import { plainTable, trimmed } from './plain-table.ts'
import { exportTimeText } from './decode-record.ts'
import type { JsonValue } from '@weir/ipfix'
import type { DecodePrinter } from './decode-printer.ts'
import type { DecodedRecord } from './decode-record.ts'

/** Rows that are held so that records of one template stand together. */
const MAX_ROWS = 1000
const MAX_CELL_CHARS = 48

interface Group {
  readonly first: DecodedRecord
  readonly columns: readonly string[]
  readonly rows: string[][]
}

/**
 * Records as tables, one for each exporter, domain and template, its elements as columns; or, if the terminal is not
 * wide enough, as a list of names and values.
 */
export class RecordTable implements DecodePrinter {
  readonly wantsRecords = true
  readonly #groups = new Map<string, Group>()
  readonly #widthChars: number
  #rows = 0

  /** @param widthChars - of the terminal; Infinity if it is none. */
  constructor(widthChars: number) {
    this.#widthChars = widthChars
  }

  record(record: DecodedRecord): string {
    const columns = Object.keys(record.values)
    const key = JSON.stringify([record.exporter, record.exporterPort, record.odid, record.templateId, columns])
    let group = this.#groups.get(key)
    if (group === undefined) {
      group = { first: record, columns, rows: [] }
      this.#groups.set(key, group)
    }
    group.rows.push([exportTimeText(record.exportTimeSec), ...columns.map(name => cellText(record.values[name]))])
    return ++this.#rows < MAX_ROWS ? '' : this.#flush()
  }

  end(): string {
    return this.#flush()
  }

  #flush(): string {
    let text = ''
    for (const group of this.#groups.values()) text += `${title(group.first)}\n${this.#body(group)}\n\n`
    this.#groups.clear()
    this.#rows = 0
    return text
  }

  #body({ first, columns, rows }: Group): string {
    const names = ['exportTime', ...columns.map(name => (first.scope.includes(name) ? `${name}*` : name))]
    const widths = names.map((name, column) => Math.max(name.length, ...rows.map(row => row[column].length)))
    const lineChars = widths.reduce((sum, width) => sum + width + 2, 0)
    if (lineChars > this.#widthChars) return rows.map(row => listOf(names, row)).join('\n\n')
    const table = plainTable(names)
    table.push(...rows)
    return trimmed(table.toString())
  }
}

const versionNames: Readonly<Record<number, string>> = { 9: 'NetFlow v9', 10: 'IPFIX' }

function title({ exporter, exporterPort, version, odid, templateId, scope }: DecodedRecord): string {
  const from = exporter === null ? 'an unnamed exporter' : `${exporter} port ${exporterPort}`
  const protocol = versionNames[version] ?? `NetFlow v${version}`
  if (version < 9) return `${protocol} from ${from}`
  const kind = scope.length === 0 ? 'Template' : 'Options Template'
  return `${protocol} from ${from}, Observation Domain ${odid}, ${kind} ${templateId}`
}

function listOf(names: readonly string[], row: readonly string[]): string {
  const width = Math.max(...names.map(name => name.length))
  return names.map((name, column) => `  ${name.padEnd(width)}  ${row[column]}`).join('\n')
}

function cellText(value: JsonValue): string {
  const text = typeof value === 'string' ? escapeText(value) : value === null ? '' : JSON.stringify(value)
  return text.length > MAX_CELL_CHARS ? `${text.slice(0, MAX_CELL_CHARS - 1)}…` : text
}
