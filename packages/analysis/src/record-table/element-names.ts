import { CodedError, exitCodes } from '@weir/runtime'
import type { ElementRegistry } from '@weir/ipfix'
import type { ElementId } from '../columns/column-batch.ts'

const numbered = /^en(\d{1,10}):id(\d{1,5})$/

/**
 * The elements of these names, as they are in JSON records: those of the registry, or `en<PEN>:id<N>`.
 *
 * @throws CodedError TASK_PARAMS for a name that nothing has.
 */
export function elementsNamed(names: readonly string[], registry: ElementRegistry): ElementId[] {
  return names.map(name => elementNamed(name, registry))
}

function elementNamed(name: string, registry: ElementRegistry): ElementId {
  const element = registry.byName(name)
  if (element !== undefined) return { pen: element.pen, id: element.id }
  const numbers = numbered.exec(name)
  const [pen, id] = [Number(numbers?.[1]), Number(numbers?.[2])]
  if (pen <= 0xffff_ffff && id <= 32_767) return { pen, id }
  const message = `There is no element ${JSON.stringify(name)}; use a name of the IANA registry, or en<PEN>:id<N>`
  throw new CodedError('TASK_PARAMS', message, exitCodes.usage, { name })
}
