import { CodedError, exitCodes } from '@weir/runtime'

/** A value that a statement is given. */
export type SqlValue = string | number | Uint8Array

/** Collects the values of a statement: they never stand in its text. */
export class SqlValues {
  readonly values: SqlValue[] = []

  /** @returns what stands for the value in the text. */
  add(value: SqlValue): string {
    return `$${this.values.push(value)}`
  }
}

/** A column's name as it stands in a statement. The name is one that the table has. */
export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

/** The error of parameters that cannot be answered. */
export const paramsError = (message: string): CodedError => new CodedError('TASK_PARAMS', message, exitCodes.usage)
