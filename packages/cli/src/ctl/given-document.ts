import { readFileSync } from 'node:fs'
import { readYaml } from '@weir/config/yaml'
import { CodedError, errorMessage, exitCodes } from '@weir/runtime'
import type { Json } from './config-api.ts'

/** An object of a file in YAML or JSON; `-` is standard input. @throws CodedError, ConfigError with line and column */
export function documentOf(file: string): Json {
  let text: string
  try {
    text = readFileSync(file === '-' ? 0 : file, 'utf8')
  } catch (error) {
    throw new CodedError('FILE_UNREADABLE', `${file} cannot be read: ${errorMessage(error)}.`, exitCodes.noInput)
  }
  return objectOf(text, file)
}

/** An object that was written on the command line. */
export function objectOf(text: string, source: string): Json {
  const value = readYaml(text, source)
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json
  throw new CodedError('DOCUMENT_INVALID', `${source} is not an object with keys.`, exitCodes.badInput)
}
