import { CodedError, exitCodes } from '@weir/runtime'

/** Where a page ended, as the caller is given it: opaque. What it holds is JSON. */
export function writeCursor(kind: string, parts: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify([kind, ...parts]), 'utf8').toString('base64url')
}

/**
 * Read what {@link writeCursor} has written.
 *
 * @param kind - of the list and its order: a cursor of another one does not fit.
 * @param types - of its parts.
 * @throws CodedError BAD_CURSOR
 */
export function readCursor(
  kind: string,
  cursor: string,
  types: readonly ('string' | 'number' | 'any')[]
): (string | number)[] {
  const parts = parsed(cursor)
  const fits =
    Array.isArray(parts) &&
    parts.length === types.length + 1 &&
    parts[0] === kind &&
    types.every((type, index) => {
      const actual = typeof parts[index + 1]
      return type === 'any' ? actual === 'string' || actual === 'number' : actual === type
    })
  if (fits) return (parts as (string | number)[]).slice(1)
  throw new CodedError(
    'BAD_CURSOR',
    'The cursor is none of this list in this order: give `next` of the page before with the same sort, or leave it out.',
    exitCodes.failed
  )
}

function parsed(cursor: string): unknown {
  if (cursor.length > 4_096) return undefined
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
  } catch {
    return undefined
  }
}
