import Table from 'cli-table3'

const chars = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  '
}

/** A table without lines or colours, so that it can be cut by other programs, too. Print it through {@link trimmed}. */
export function plainTable(head: readonly string[], colAligns: ('left' | 'right')[] = []): Table.Table {
  const style = { head: [], border: [], 'padding-left': 0, 'padding-right': 0 }
  return new Table({ head: [...head], chars, style, colAligns })
}

/** Without spaces at the ends of lines and without empty lines. */
export function trimmed(text: string): string {
  const lines = text.split('\n').map(line => line.trimEnd())
  return lines.filter(line => line !== '').join('\n')
}
