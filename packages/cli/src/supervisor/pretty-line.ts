import { styleText } from 'node:util'

const colours = { debug: 'gray', info: 'green', warn: 'yellow', error: 'red' } as const
const shownElsewhere: ReadonlySet<string> = new Set(['level', 'time', 'process', 'pid', 'code', 'message'])

/** One JSON log line as a person reads it; a line that is none of ours stays as it is. */
export function prettyLine(line: string): string {
  let entry: Record<string, unknown>
  try {
    entry = JSON.parse(line) as Record<string, unknown>
  } catch {
    return line
  }
  const { level, time, process, message } = entry
  if (typeof level !== 'string' || typeof time !== 'string' || !Object.hasOwn(colours, level)) return line
  const fields = Object.entries(entry)
    .filter(([key]) => !shownElsewhere.has(key))
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
  const head = `${time.slice(11, 23)} ${styleText(colours[level as keyof typeof colours], level.padEnd(5))} ${String(process).padEnd(11)}`
  return [head, String(message), ...fields.map(field => styleText('gray', field))].join(' ')
}
