import { readFileSync } from 'node:fs'

/** The version of this Weir, as in its package.json. */
export function weirVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
