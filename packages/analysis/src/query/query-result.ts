import { ipv4Text, ipv6Text, macText } from '@weir/ipfix'
import type { OutputFile } from '../output/output-file.ts'
import { writeCsvText } from '../convert/csv-text.ts'
import type { Query } from './query-sql.ts'

/** A value of a result as JSON has it; bigint: all digits of an integer. */
export type ResultValue = string | number | bigint | boolean | null

/** What columns a result has. */
export interface ResultColumn {
  readonly name: string
  readonly role: 'time' | 'group' | 'metric'
}

/** The columns of a query's rows, in order. */
export function resultColumns({ groups, metrics, time }: Query): ResultColumn[] {
  const column =
    (role: ResultColumn['role']) =>
    (name: string): ResultColumn => ({ name, role })
  return [
    ...(time === undefined ? [] : [column('time')('time')]),
    ...groups.map(({ name }) => name).map(column('group')),
    ...metrics.map(({ name }) => name).map(column('metric'))
  ]
}

/** A value of DuckDB's as it stands in a result. */
export function resultValue(value: unknown, { role }: ResultColumn): ResultValue {
  if (value === null || value === undefined) return null
  if (role === 'time') return new Date(Number(value)).toISOString()
  if (typeof value === 'bigint' || typeof value === 'boolean' || typeof value === 'string') return value
  // JSON has no number for these.
  if (typeof value === 'number') return Number.isFinite(value) ? value : null
  if (hasOctets(value)) return octetsText(value.bytes)
  return String(value)
}

const hasOctets = (value: unknown): value is { readonly bytes: Uint8Array } =>
  typeof value === 'object' && value !== null && 'bytes' in value && value.bytes instanceof Uint8Array

/** Addresses as text, by their length; other octets as hex. */
function octetsText(octets: Uint8Array): string {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.length)
  if (octets.length === 4) return ipv4Text(view, 0)
  if (octets.length === 16) return ipv6Text(view, 0)
  return octets.length === 6 ? macText(view, 0) : Buffer.from(octets).toString('hex')
}

/** The result as JSON: what its columns are, and the rows as arrays. Integers have all their digits. */
export function writeResultJson(
  file: OutputFile,
  columns: readonly ResultColumn[],
  rows: readonly (readonly ResultValue[])[]
): void {
  file.text(`{"columns":${JSON.stringify(columns)},"rows":[`)
  for (const [index, row] of rows.entries()) {
    const values = row.map(value => (typeof value === 'bigint' ? String(value) : JSON.stringify(value)))
    file.text(`${index === 0 ? '' : ','}\n[${values.join(',')}]`)
  }
  file.text('\n]}\n')
}

/** The same as CSV, with text as convert writes it. */
export function writeResultCsv(
  file: OutputFile,
  columns: readonly ResultColumn[],
  rows: readonly (readonly ResultValue[])[]
): void {
  file.text(`${columns.map(({ name }) => name).join()}\n`)
  for (const row of rows) file.text(`${row.map(cellText).join()}\n`)
}

function cellText(value: ResultValue): string {
  if (value === null) return ''
  if (typeof value !== 'string') return String(value)
  const octets = Buffer.from(value)
  const out = Buffer.alloc(3 * octets.length + 8)
  return out.toString('utf8', 0, writeCsvText(octets, 0, octets.length, out, 0, true))
}
