import { writeYaml } from '@weir/config/yaml'
import { plainTable, trimmed } from '../decode/plain-table.ts'

export const outputForms = ['table', 'json', 'yaml'] as const
export type OutputForm = (typeof outputForms)[number]

/** A column: a heading, where its value stands in a row, e.g. `queue.records`, and how many characters are shown (60). */
export type Column = readonly [heading: string, path: string, characters?: number]

/** Plain data for a program, or for a person. */
export function print(value: unknown, form: OutputForm, table: () => string): void {
  const text =
    form === 'json' ? `${JSON.stringify(value, undefined, 2)}\n` : form === 'yaml' ? writeYaml(value) : table()
  process.stdout.write(text)
}

/** Rows as a table without lines; a column that no row has is left out, an empty list says so. */
export function tableOf(rows: readonly unknown[], all: readonly Column[], empty: string): string {
  if (rows.length === 0) return `${empty}\n`
  const columns = all.filter(([, path]) => rows.some(row => at(row, path) !== undefined))
  const cells = rows.map(row => columns.map(([, path]) => at(row, path)))
  const aligns = columns.map((_, column) =>
    cells.every(row => row[column] === undefined || row[column] === null || typeof row[column] === 'number')
      ? ('right' as const)
      : ('left' as const)
  )
  const table = plainTable(
    columns.map(([heading]) => heading),
    aligns
  )
  for (const row of cells) table.push(row.map((value, column) => cellOf(value, columns[column]!)))
  return `${trimmed(table.toString())}\n`
}

/** The value at a path of plain data; undefined if there is none. */
export function at(value: unknown, path: string): unknown {
  let found: unknown = value
  for (const key of path.split('.')) {
    if (typeof found !== 'object' || found === null) return undefined
    found = (found as Record<string, unknown>)[key]
  }
  return found
}

const MAX_CELL = 60

function cellOf(value: unknown, [, path, most = MAX_CELL]: Column): string {
  if (value === undefined || value === null) return '-'
  if (typeof value === 'number') return /(^|\.|[a-z])[aA]tMs$/.test(path) ? timeOf(value) : String(value)
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  const text = typeof value === 'string' ? value : Array.isArray(value) ? value.map(String).join(',') : sumsOf(value)
  return text.length > most ? `${text.slice(0, most - 1)}…` : text
}

/** Numbers by name: those that are not 0. */
function sumsOf(value: object): string {
  const entries = Object.entries(value).filter(([, each]) => each !== 0)
  return entries.length === 0 ? '0' : entries.map(([name, each]) => `${name}=${String(each)}`).join(' ')
}

/** UTC, to the second. */
export const timeOf = (atMs: number): string =>
  Number.isFinite(atMs) ? new Date(atMs).toISOString().replace(/\.\d+Z$/, 'Z') : '-'
