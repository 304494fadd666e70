/**
 * The values of one data record, its lists opened, as tokens in wire order:
 * `<pen>.<id>=<value>`, `list:<type>:<semantic>`, `template:<id>`.
 */
export type RecordTokens = readonly string[]

const field = /^\s*\((?:(\d+)\/)?(\d+)\)(?: \(S\))?\s+(\w+) : ?(.*)$/
const listHead = /^\s*\+\+\+ (basicList|subTemplateList|subTemplateMultiList) \+\+\+$/
const listTail = /^\s*count: \d+\s+semantic: (\d+)-\w+(?:\s+tid:\s+(\d+))?(?:.*ie: \((?:(\d+)\/)?(\d+)\))?/
const entryHead = /^\s*\+\+\+ subTemplateMultiListEntry \d+ \+\+\+$/
const entryTail = /^\s*count: \d+\s+tid:\s+(\d+)/
const basicValue = /^\s*\d+\s+: (.*)$/
const listNames = new Set(['basicList', 'subTemplateList', 'subTemplateMultiList'])

/** The data records of a text that ipfixDump (libfixbuf 2.4.1) wrote. */
export function ipfixDumpRecords(text: string): RecordTokens[] {
  const records: string[][] = []
  let tokens: string[] | undefined
  let listType: string | undefined
  let isEntry = false
  let basicElement = ''
  for (const line of text.split('\n')) {
    if (line.startsWith('--- data record')) {
      tokens = []
      records.push(tokens)
    } else if (/^(?:---|\*\*\*)/.test(line)) {
      tokens = undefined
    }
    if (tokens === undefined) continue
    const list = listHead.exec(line)
    const tail = listTail.exec(line)
    const entry = entryTail.exec(line)
    const scalar = field.exec(line)
    const value = basicValue.exec(line)
    if (list !== null) {
      listType = list[1]
    } else if (entryHead.test(line)) {
      isEntry = true
    } else if (listType !== undefined && tail !== null) {
      tokens.push(`list:${listType}:${tail[1]}`)
      if (tail[2] !== undefined) tokens.push(`template:${tail[2]}`)
      basicElement = `${tail[3] ?? 0}.${tail[4] ?? 0}`
      listType = undefined
    } else if (isEntry && entry !== null) {
      tokens.push(`template:${entry[1]}`)
      isEntry = false
    } else if (scalar !== null) {
      const [, pen = '0', id, name, shown] = scalar
      if (!listNames.has(name)) tokens.push(`${pen}.${id}=${shown}`)
    } else if (value !== null) {
      tokens.push(`${basicElement}=${value[1]}`)
    }
  }
  return records
}
