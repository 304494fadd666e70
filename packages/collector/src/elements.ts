import { readFileSync } from 'node:fs'
import { ElementRegistry, elementFileErrors, readElementFile } from '@weir/ipfix'
import { ConfigError, errorMessage, type ConfigIssue } from '@weir/runtime'

/**
 * The standard registry with the elements of the operator's files (RFC 5153 §5.1); they never replace IANA's.
 *
 * @param paths - `collector.elementFiles`.
 * @throws ConfigError with everything that is wrong in any of them.
 */
export function loadElements(paths: readonly string[]): ElementRegistry {
  const registry = ElementRegistry.standard()
  const issues: ConfigIssue[] = []
  paths.forEach((path, index) => {
    const at = `collector.elementFiles[${index}]`
    try {
      const { elements, errors } = readElementFile(readFileSync(path, 'utf8'))
      for (const { code, line, cell } of errors) {
        issues.push({ path: at, message: `${path}, line ${line}: ${elementFileErrors[code]}: ${cell}` })
      }
      if (errors.length > 0) return
      for (const { pen, id, name } of registry.add(elements)) {
        issues.push({ path: at, message: `${path}: ${pen}/${id} ${name} is an element of IANA or has a name in use` })
      }
    } catch (error) {
      issues.push({ path: at, message: `cannot be read: ${errorMessage(error)}` })
    }
  })
  if (issues.length > 0) throw new ConfigError(issues)
  return registry
}
