import { InvariantBreach } from './invariant-breach.ts'

/** L-14: larger text is not compiled. */
export const MOST_SOURCE_OCTETS = 65536

const keywords = ['let', 'const', 'if', 'break', 'for', 'return', 'function', 'true', 'false', 'continue']
const builtins = ['Math', 'min', 'floor']
const viewMethods = [
  'getUint8',
  'getUint16',
  'getUint32',
  'getInt32',
  'getBigUint64',
  'setUint8',
  'setUint16',
  'setUint32',
  'setInt32',
  'setBigUint64'
]
const parameters = [
  'octets',
  'view',
  'inOffset',
  'inEnd',
  'out',
  'outView',
  'outOffset',
  'outLimit',
  'context',
  'cursor',
  'kernel',
  'numbers',
  'words',
  'texts',
  'steps'
]
const members = [
  'exportTimeSec',
  'receivedAtMs',
  'bootTimeMs',
  'odid',
  'exporterAddress',
  'exporterIsIPv6',
  'samplingRate',
  'templateIds',
  'exportedId',
  'in',
  'records',
  'filtered'
]
const locals = ['n', 'm', 'i', 'q', 'w', 'x', 'limit', 'rate', 'receivedHigh', 'receivedLow', 'address']
const words = new Set([...keywords, ...builtins, ...viewMethods, ...parameters, ...members, ...locals])
// p: anchors; v, d, s: prefix, begin and length of variable-length fields; c: numbers of the filter.
const numberedLocal = /^[pvdsc]\d{0,4}$/

/**
 * Check that text is what the back end writes and nothing else (TH-44): printable ASCII without quotes, backslashes or
 * comments, integers, and words of a closed list.
 *
 * @param kernelNames - functions that the text may call.
 * @throws InvariantBreach if it is not: a defect of ours, never of the wire.
 */
export function checkSource(source: string, kernelNames: ReadonlySet<string>): void {
  if (!/^[\x20-\x7e\n]*$/.test(source) || /['"`\\#@$]|\/[/*]/.test(source))
    throw new InvariantBreach('generated text has a character that is not allowed')
  for (const [word] of source.matchAll(/[A-Za-z_][A-Za-z0-9_]*/g)) {
    if (words.has(word) || numberedLocal.test(word) || kernelNames.has(word)) continue
    throw new InvariantBreach('generated text has a word that is not of the closed list')
  }
  for (const [number] of source.matchAll(/(?<![\w.])\d[\w.]*/g)) {
    if (!/^\d{1,16}$/.test(number)) throw new InvariantBreach('generated text has a number that is no integer')
  }
}

/**
 * An integer as text for generated code.
 *
 * @throws InvariantBreach if it is not a safe integer.
 */
export function integerText(value: number): string {
  if (!Number.isSafeInteger(value)) throw new InvariantBreach('a number for generated text is no integer')
  return value < 0 ? `(${value})` : String(value)
}
