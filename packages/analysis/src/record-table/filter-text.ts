import { FilterError, parseFilter } from '@weir/mediation'
import { CodedError, exitCodes } from '@weir/runtime'
import type { ElementRegistry } from '@weir/ipfix'
import type { Filter } from '@weir/mediation'

/**
 * A filter of a task's parameters.
 *
 * @throws CodedError TASK_PARAMS with the place and what may stand there.
 */
export function filterOf(text: string, registry: ElementRegistry): Filter {
  try {
    return parseFilter(text, registry)
  } catch (error) {
    if (!(error instanceof FilterError)) throw error
    const message = `The filter cannot be read ${error.message}; there may stand: ${error.allowed}`
    throw new CodedError(
      'TASK_PARAMS',
      message,
      exitCodes.usage,
      { offset: error.offset, allowed: error.allowed },
      error
    )
  }
}
