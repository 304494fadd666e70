import { VARIABLE_LENGTH } from '../layout.ts'
import type { FieldSpecifier } from '../layout.ts'

/**
 * Field Specifiers of a text like `8:4 12:4 32473.15:4 82:v`: `id:length`, `pen.id:length`, and `v` for a variable
 * length.
 */
export function fieldsOf(text: string): FieldSpecifier[] {
  return text
    .split(/\s+/)
    .filter(Boolean)
    .map(part => {
      const match = /^(?:(\d+)\.)?(\d+):(\d+|v)$/.exec(part)
      if (match === null) throw new TypeError(`not a field: ${part}`)
      const length = match[3] === 'v' ? VARIABLE_LENGTH : Number(match[3])
      return { pen: Number(match[1] ?? 0), id: Number(match[2]), length }
    })
}

/** The text of {@link fieldsOf} for these fields. */
export function fieldsText(fields: readonly FieldSpecifier[]): string {
  return fields
    .map(({ pen, id, length }) => `${pen === 0 ? '' : `${pen}.`}${id}:${length === VARIABLE_LENGTH ? 'v' : length}`)
    .join(' ')
}
