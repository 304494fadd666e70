import { createRequire } from 'node:module'
import type * as Yaml from 'yaml'
import { ConfigError, errorMessage } from '@weir/runtime'
import type { ConfigIssue } from '@weir/runtime'

// Loaded at the first document: most processes and commands get none.
let loaded: typeof Yaml | undefined
const yaml = (): typeof Yaml => (loaded ??= createRequire(import.meta.url)('yaml') as typeof Yaml)

const MAX_OCTETS = 1024 * 1024
const MAX_ALIASES = 100

/**
 * Read one YAML document as plain data. No custom tags, no merge keys, no repeated keys, at most 100 alias expansions (TH-42).
 *
 * @param source - what it is called in errors, e.g. the file name.
 * @throws ConfigError with line and column of each error.
 */
export function readYaml(text: string, source: string): unknown {
  if (text.length > MAX_OCTETS) throw refused(source, [{ path: '', message: `is longer than ${MAX_OCTETS} octets` }])
  const documents = yaml().parseAllDocuments(text, {
    schema: 'core',
    customTags: [],
    uniqueKeys: true,
    merge: false,
    strict: true
  })
  if (!Array.isArray(documents) || documents.length === 0) return undefined
  const issues: ConfigIssue[] = []
  if (documents.length > 1) issues.push({ path: '', message: 'holds more than one YAML document', allowed: 'one' })
  const document = documents[0]!
  for (const problem of [...document.errors, ...document.warnings]) {
    const [start] = problem.linePos ?? []
    issues.push({
      path: start === undefined ? '' : `line ${start.line}, column ${start.col}`,
      message: firstLine(problem.message)
    })
  }
  if (issues.length > 0) throw refused(source, issues)
  try {
    return document.toJS({ maxAliasCount: MAX_ALIASES })
  } catch (error) {
    throw refused(source, [
      {
        path: '',
        message: firstLine(errorMessage(error)),
        allowed: `at most ${MAX_ALIASES} aliases, of anchors that stand before them`
      }
    ])
  }
}

/** Plain data as YAML. */
export const writeYaml = (value: unknown): string =>
  yaml().stringify(value, { lineWidth: 120, aliasDuplicateObjects: false })

const refused = (source: string, issues: readonly ConfigIssue[]): ConfigError => new ConfigError(issues, source)

const firstLine = (message: string): string => message.split('\n', 1)[0]!.replace(/( at line \d+, column \d+)?:?$/, '')
