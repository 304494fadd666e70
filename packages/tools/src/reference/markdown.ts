/** What every generated page opens with. */
export const generatedHead = (title: string): string =>
  `<!-- generated, do not edit: npm run generate -->\n\n# ${title}\n\n`

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ').trim()

/** A table; cells are escaped. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |\n`
  return `${line(head)}|${head.map(() => ' --- |').join('')}\n${rows.map(line).join('')}`
}

/** Text as code; `|` is kept readable in tables by {@link table}. */
export const code = (text: string): string => (text === '' ? '' : `\`${text}\``)
