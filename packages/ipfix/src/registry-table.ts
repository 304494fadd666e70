import type { DataType } from './data-type.ts'
import type { ElementSemantics, ElementUnits, InformationElement } from './element.ts'

/**
 * Read the rows of a generated table: `pen,id,name,type,semantics,units,least-greatest,status` a line, empty cells for
 * what is unknown, `d` as status for deprecated. The table is ours, so nothing is checked: see `readElementFile` for
 * text from outside.
 *
 * @param table - rows separated by line feeds, no empty row except around them.
 */
export function elementsOfTable(table: string): InformationElement[] {
  const elements: InformationElement[] = []
  for (const row of table.split('\n')) {
    if (row === '') continue
    const [pen, id, name, type, semantics, units, range, status] = row.split(',')
    elements.push({
      pen: Number(pen),
      id: Number(id),
      name,
      type: type as DataType,
      semantics: semantics === '' ? undefined : (semantics as ElementSemantics),
      units: units === '' ? undefined : (units as ElementUnits),
      range: rangeOf(range),
      status: status === 'd' ? 'deprecated' : 'current'
    })
  }
  return elements
}

function rangeOf(cell: string): readonly [number, number] | undefined {
  if (cell === '') return undefined
  const [least, greatest] = cell.split('-')
  return [Number(least), Number(greatest)]
}
