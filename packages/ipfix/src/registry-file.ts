import { isDataType, isInteger } from './data-type.ts'
import { REVERSE_PEN } from './element-reverse.ts'
import { elementSemantics, elementUnits, isSafeName } from './element.ts'
import type { ElementSemantics, ElementUnits, InformationElement } from './element.ts'

/** Why an entry of a file of elements is refused. */
export const elementFileErrors = {
  ELEMENT_FILE_JSON: 'the text is no JSON array of objects',
  ELEMENT_COLUMNS: 'an entry needs pen, id, name and type, and has no others than semantics, units and range',
  ELEMENT_PEN: 'pen is not a number from 1 to 4294967295',
  ELEMENT_PEN_RESERVED: 'PEN 0 and 29305 are IANA’s: their elements cannot be redefined (RFC 7012 §4)',
  ELEMENT_ID: 'id is not a number from 1 to 32767',
  ELEMENT_NAME: 'name is not made of letters, digits and underscores (at most 64), or is a name that objects inherit',
  ELEMENT_TYPE: 'type is not the name of an abstract data type (RFC 7012 §3.1)',
  ELEMENT_SEMANTICS: 'semantics is not the name of data type semantics (RFC 7012 §3.2)',
  ELEMENT_UNITS: 'units is not the name of units in IANA’s registry',
  ELEMENT_RANGE: 'range is not least-greatest, both whole numbers, of an integer type',
  ELEMENT_TWICE: 'pen and id, or name, stand in the file already'
} as const satisfies Record<string, string>

/** Code of an error in a file of elements; {@link elementFileErrors} has its sentence. */
export type ElementFileErrorCode = keyof typeof elementFileErrors

/** One refused entry. */
export interface ElementFileError {
  readonly code: ElementFileErrorCode
  /** Line (CSV) or entry (JSON), from 1; 0 for the whole text. */
  readonly line: number
  /** The cell at fault, shortened. */
  readonly cell: string
}

/** What a file of elements says: use the elements only if there is no error. */
export interface ElementFile {
  readonly elements: readonly InformationElement[]
  readonly errors: readonly ElementFileError[]
}

type Cells = ReadonlyMap<string, string>

const columns = ['pen', 'id', 'name', 'type', 'semantics', 'units', 'range'] as const

/**
 * Read the elements that an operator adds, in one of two forms.
 *
 * CSV: `pen,id,name,type,semantics,units,range` a line, the last three may be missing or empty, no quotes; a first line
 * with these words, empty lines and lines that begin with `#` are passed over. JSON: an array of objects with these keys,
 * numbers or strings. `range` is `least-greatest`.
 *
 * @param text - the whole file; JSON if its first character is `[`.
 * @returns elements in the order of the file, and every error.
 */
export function readElementFile(text: string): ElementFile {
  const elements: InformationElement[] = []
  const errors: ElementFileError[] = []
  const seen = new Set<string>()
  const isJson = text.trimStart().startsWith('[')
  for (const [line, cells] of isJson ? jsonRows(text) : csvRows(text)) {
    const element = cells === undefined ? fault(isJson ? 'ELEMENT_FILE_JSON' : 'ELEMENT_COLUMNS', '') : elementOf(cells)
    if ('code' in element) {
      errors.push({ ...element, line })
      continue
    }
    const key = `${element.pen}/${element.id}`
    if (seen.has(key) || seen.has(element.name)) errors.push({ ...fault('ELEMENT_TWICE', element.name), line })
    else elements.push(element)
    seen.add(key)
    seen.add(element.name)
  }
  return { elements, errors }
}

type Fault = Omit<ElementFileError, 'line'>

function fault(code: ElementFileErrorCode, cell: string): Fault {
  return { code, cell: cell.slice(0, 80) }
}

function elementOf(cells: Cells): InformationElement | Fault {
  const cell = (name: (typeof columns)[number]): string => cells.get(name) ?? ''
  for (const key of cells.keys()) {
    if (!columns.some(column => column === key)) return fault('ELEMENT_COLUMNS', key)
  }
  const pen = wholeNumber(cell('pen'), 2 ** 32 - 1)
  if (pen === undefined) return fault('ELEMENT_PEN', cell('pen'))
  if (pen === 0 || pen === REVERSE_PEN) return fault('ELEMENT_PEN_RESERVED', cell('pen'))
  const id = wholeNumber(cell('id'), 32767)
  if (id === undefined || id === 0) return fault('ELEMENT_ID', cell('id'))
  const name = cell('name')
  if (!isSafeName(name)) return fault('ELEMENT_NAME', name)
  const type = cell('type')
  if (!isDataType(type)) return fault('ELEMENT_TYPE', type)
  const semantics = cell('semantics')
  if (semantics !== '' && !isSemantics(semantics)) return fault('ELEMENT_SEMANTICS', semantics)
  const units = cell('units')
  if (units !== '' && !isUnits(units)) return fault('ELEMENT_UNITS', units)
  const range = cell('range') === '' ? undefined : rangeOf(cell('range'))
  if (cell('range') !== '' && (range === undefined || !isInteger(type))) return fault('ELEMENT_RANGE', cell('range'))
  return {
    pen,
    id,
    name,
    type,
    semantics: semantics === '' ? undefined : semantics,
    units: units === '' ? undefined : units,
    range,
    status: 'current'
  }
}

function isSemantics(name: string): name is ElementSemantics {
  return elementSemantics.some(semantics => semantics === name)
}

function isUnits(name: string): name is ElementUnits {
  return elementUnits.some(units => units === name)
}

function wholeNumber(text: string, greatest: number): number | undefined {
  const value = Number(text)
  return /^\d{1,10}$/.test(text) && value <= greatest ? value : undefined
}

function rangeOf(text: string): readonly [number, number] | undefined {
  const match = /^(-?\d{1,16})-(-?\d{1,16})$/.exec(text)
  if (match === null) return undefined
  const [least, greatest] = [Number(match[1]), Number(match[2])]
  return Number.isSafeInteger(least) && Number.isSafeInteger(greatest) && least <= greatest
    ? [least, greatest]
    : undefined
}

function* csvRows(text: string): Generator<[number, Cells | undefined]> {
  for (const [index, row] of text.split(/\r?\n/).entries()) {
    const line = row.trim()
    if (line === '' || line.startsWith('#') || line.startsWith('pen,id,')) continue
    const cells = line.split(',').map(cell => cell.trim())
    const isRow = cells.length >= 4 && cells.length <= columns.length
    yield [index + 1, isRow ? new Map(cells.map((cell, at) => [columns[at], cell])) : undefined]
  }
}

function* jsonRows(text: string): Generator<[number, Cells | undefined]> {
  let entries: unknown
  try {
    entries = JSON.parse(text)
  } catch {
    yield [0, undefined]
    return
  }
  for (const [index, entry] of (entries as unknown[]).entries()) {
    const isObject = typeof entry === 'object' && entry !== null && !Array.isArray(entry)
    yield [index + 1, isObject ? new Map(Object.entries(entry).map(([key, value]) => [key, cellOf(value)])) : undefined]
  }
}

/** What is neither text nor number is given as something that no column accepts. */
function cellOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '?'
}
