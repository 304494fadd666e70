import { ConfigError } from '@weir/runtime'
import { ElementRegistry } from '@weir/ipfix'
import { FilterError, parseFilter, pseudoFields } from '@weir/mediation'
import type { ConfigIssue } from '@weir/runtime'
import { loadElements } from './element-files.ts'
import { nearestOf } from './nearest.ts'

let standard: ElementRegistry | undefined

/**
 * What is wrong with the filter at a path.
 *
 * @param elementFiles - `collector.elementFiles`: their names can stand in it.
 * @returns one issue with the place in the text, those of the files if they cannot be read, none if it is right.
 */
export function filterIssues(text: string, path: string, elementFiles: readonly string[]): ConfigIssue[] {
  let registry: ElementRegistry
  try {
    registry = elementFiles.length === 0 ? (standard ??= ElementRegistry.standard()) : loadElements(elementFiles)
  } catch (error) {
    if (error instanceof ConfigError) return [...error.issues]
    throw error
  }
  try {
    parseFilter(text, registry)
    return []
  } catch (error) {
    if (!(error instanceof FilterError)) throw error
    const { message, allowed, unknownName } = error
    const nearest = unknownName === undefined ? undefined : nearestOf(unknownName, namesOf(registry))
    return [{ path, message: nearest === undefined ? message : `${message}; did you mean ${nearest}?`, allowed }]
  }
}

const namesOf = (registry: ElementRegistry): string[] => [
  ...pseudoFields.keys(),
  ...[...registry.values()].map(({ name }) => name)
]
