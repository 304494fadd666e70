import { readFileSync } from 'node:fs'
import { ElementRegistry, elementFileErrors, readElementFile } from '@weir/ipfix'
import { ConfigError, errorMessage } from '@weir/runtime'
import type { ConfigIssue } from '@weir/runtime'

/**
 * The standard registry with the elements of the operator's files (RFC 5153 §5.1); they never replace IANA's. Every
 * process that names or reads elements makes its own from the same files, so that all know the same.
 *
 * @param paths - `collector.elementFiles`.
 * @throws ConfigError with everything that is wrong in any of them.
 */
export function loadElements(paths: readonly string[]): ElementRegistry {
  const registry = ElementRegistry.standard()
  const issues: ConfigIssue[] = []
  for (const [index, file] of paths.entries()) {
    const path = `collector.elementFiles[${index}]`
    issues.push(...addFile(registry, file).map(message => ({ path, message })))
  }
  if (issues.length > 0) throw new ConfigError(issues)
  return registry
}

/** @returns what is wrong; a file with an error adds nothing. */
function addFile(registry: ElementRegistry, file: string): string[] {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    return [`cannot be read: ${errorMessage(error)}`]
  }
  const { elements, errors } = readElementFile(text)
  if (errors.length > 0) {
    return errors.map(({ code, line, cell }) => `${file}, line ${line}: ${elementFileErrors[code]}: ${cell}`)
  }
  return registry
    .add(elements)
    .map(({ pen, id, name }) => `${file}: ${pen}/${id} ${name} is an element of IANA or has a name in use`)
}
