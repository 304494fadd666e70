import { exportTimeText } from './decode-record.ts'
import type { DecodePrinter } from './decode-printer.ts'
import type { DecodedRecord } from './decode-record.ts'

/** One JSON object a line for each record. */
export class JsonLines implements DecodePrinter {
  readonly wantsRecords = true

  record({ exportTimeSec, scope, values, ...origin }: DecodedRecord): string {
    const scopeFields = scope.length === 0 ? {} : { scope }
    return `${JSON.stringify({ exportTime: exportTimeText(exportTimeSec), ...origin, ...scopeFields, values })}\n`
  }

  end(): string {
    return ''
  }
}
