import { readdirSync, rmSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'

const two = (value: number): string => String(value).padStart(2, '0')

/** Parts of a time that a file name can hold: strftime's letters, UTC. */
const codes: Readonly<Record<string, (time: Date) => string>> = {
  Y: time => String(time.getUTCFullYear()),
  m: time => two(time.getUTCMonth() + 1),
  d: time => two(time.getUTCDate()),
  H: time => two(time.getUTCHours()),
  M: time => two(time.getUTCMinutes()),
  S: time => two(time.getUTCSeconds()),
  '%': () => '%'
}

/** Fill `%Y %m %d %H %M %S` (UTC) of a path; other letters stay as they are. */
export function expandPath(pattern: string, timeMs: number): string {
  const time = new Date(timeMs)
  return pattern.replaceAll(/%([A-Za-z%])/g, (whole, letter: string) => codes[letter]?.(time) ?? whole)
}

/** A name that a number is put in, before its last extension: `a-2.ipfix`. */
export function numbered(path: string, number: number): string {
  if (number === 0) return path
  const dot = basename(path).lastIndexOf('.')
  if (dot <= 0) return `${path}-${number}`
  const at = path.length - basename(path).length + dot
  return `${path.slice(0, at)}-${number}${path.slice(at)}`
}

/** The finished files of a pattern: what {@link expandPath} and {@link numbered} make of its last part. */
export function matcherOf(pattern: string): RegExp {
  const name = basename(pattern)
  const dot = name.lastIndexOf('.')
  const stem = dot <= 0 ? name : name.slice(0, dot)
  const extension = dot <= 0 ? '' : name.slice(dot)
  return new RegExp(`^${textPattern(stem)}(-\\d+)?${textPattern(extension)}$`)
}

/** Text that a regular expression takes as it stands. */
export const escapePattern = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)

const textPattern = (text: string): string =>
  escapePattern(text)
    .replaceAll(/%[YmdHMS]/g, String.raw`\d+`)
    .replaceAll('%%', '%')

/** Remove the oldest finished files of a folder beyond `keep`. */
export function removeOldest(folder: string, matcher: RegExp, keep: number): void {
  const files = readdirSync(folder)
    .filter(name => matcher.test(name))
    .map(name => ({ name, atMs: statSync(join(folder, name)).mtimeMs }))
  files.sort((a, b) => a.atMs - b.atMs || a.name.localeCompare(b.name, 'en', { numeric: true }))
  for (const { name } of files.slice(0, Math.max(0, files.length - keep))) rmSync(join(folder, name), { force: true })
}
