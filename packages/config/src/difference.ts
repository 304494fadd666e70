/** One place where two documents differ. */
export interface Difference {
  /** E.g. `destinations[id=out].queue.octets`; entries of lists that have names are told apart by them. */
  readonly path: string
  readonly action: 'add' | 'remove' | 'change'
  /** What stood there; absent if nothing did. */
  readonly before?: unknown
  /** What stands there now; absent if nothing does. */
  readonly after?: unknown
}

/** Keys by which the entries of a list are known; lists of other entries are one value. */
const names = ['id', 'name', 'address', 'match'] as const

/** Where two documents differ, in the order of the first; plain data, not changed. */
export function differencesOf(before: unknown, after: unknown): Difference[] {
  return [...differ(before, after, '')]
}

function* differ(before: unknown, after: unknown, path: string): Generator<Difference> {
  if (isObject(before) && isObject(after)) {
    yield* members(before, after, key => (path === '' ? key : `${path}.${key}`))
    return
  }
  const name = nameOf(before, after)
  if (name !== undefined) {
    const entries = (list: unknown): Record<string, unknown> =>
      Object.fromEntries((list as Record<string, unknown>[]).map(each => [String(each[name]), each]))
    yield* members(entries(before), entries(after), key => `${path}[${name}=${key}]`)
    return
  }
  if (JSON.stringify(before) !== JSON.stringify(after)) yield { path, action: 'change', before, after }
}

function* members(
  before: Record<string, unknown>,
  after: Record<string, unknown>,
  pathOf: (key: string) => string
): Generator<Difference> {
  for (const [key, value] of Object.entries(before)) {
    if (Object.hasOwn(after, key)) yield* differ(value, after[key], pathOf(key))
    else yield { path: pathOf(key), action: 'remove', before: value }
  }
  for (const [key, value] of Object.entries(after)) {
    if (!Object.hasOwn(before, key)) yield { path: pathOf(key), action: 'add', after: value }
  }
}

/** The key that names the entries of both lists; an empty list goes with any. */
function nameOf(before: unknown, after: unknown): string | undefined {
  if (!Array.isArray(before) || !Array.isArray(after)) return undefined
  const all: unknown[] = [...before, ...after]
  if (all.length === 0) return undefined
  return names.find(name => all.every(each => isObject(each) && typeof each[name] === 'string'))
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
