import { readFileSync } from 'node:fs'
import { ElementRegistry, readElementFile } from '@weir/ipfix'
import { ConfigError, errorMessage } from '@weir/runtime'
import type { ConfigIssue } from '@weir/runtime'

/**
 * The standard registry with the elements of the operator's files: JSON names them, and their types decide what is expanded.
 *
 * @param paths - `collector.elementFiles`; the collector tells in detail what is wrong in them.
 * @throws ConfigError
 */
export function loadElements(paths: readonly string[]): ElementRegistry {
  const registry = ElementRegistry.standard()
  const issues: ConfigIssue[] = []
  for (const [index, file] of paths.entries()) {
    const path = `collector.elementFiles[${index}]`
    try {
      const { elements, errors } = readElementFile(readFileSync(file, 'utf8'))
      if (errors.length > 0) issues.push({ path, message: `${file} has ${errors.length} errors` })
      else if (registry.add(elements).length > 0) issues.push({ path, message: `${file} names elements that exist` })
    } catch (error) {
      issues.push({ path, message: `cannot be read: ${errorMessage(error)}` })
    }
  }
  if (issues.length > 0) throw new ConfigError(issues)
  return registry
}
