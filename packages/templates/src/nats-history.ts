import type { Part } from './nats-part.ts'
import { definitionHash, MAX_VERSIONS_PER_PLACE, type StoredTemplate, type TemplateVersion } from './stored-entry.ts'

/*
 * Versions of the templates of a place, as a part: each is a template with the times and the session of that version,
 * under a field that says what became of it: `<serial>.<template id>o` open, `…r` redefined, `…w` withdrawn. The order
 * of the part is that of their beginning. When an open version was last seen is what the live template says.
 */
const states = { o: undefined, r: 'redefined', w: 'withdrawn' } as const
type State = keyof typeof states

/** A template that is live no more. `expired`: its version stays open, as it was last seen. */
export interface EndedTemplate {
  readonly template: StoredTemplate
  readonly how: 'redefined' | 'withdrawn' | 'expired'
}
const stateOf = { redefined: 'r', withdrawn: 'w', expired: 'o' } as const satisfies Record<EndedTemplate['how'], State>

export interface VersionSeal {
  readonly endsMs: number
  /** @returns undefined, counted, for what is not to be believed. */
  open(field: string, sealed: Uint8Array): StoredTemplate | undefined
  seal(field: string, template: StoredTemplate): Uint8Array
}

/** What makes two announcements the same version. */
export const versionOf = (template: StoredTemplate): string => definitionHash(template.fields, template.scopeCount)

/** End the open versions of these templates, then begin those. Doing it twice is as doing it once. */
export function noteVersions(
  versions: Part,
  ended: readonly EndedTemplate[],
  begun: readonly StoredTemplate[],
  { endsMs, open, seal }: VersionSeal
): void {
  const openOf = (templateId: number): [field: string, template: StoredTemplate][] =>
    [...versions].flatMap(([field, { sealed }]) => {
      if (!field.endsWith(`.${templateId}o`)) return []
      const template = open(field, sealed)
      return template?.templateId === templateId ? [[field, template]] : []
    })
  const end = (field: string, template: StoredTemplate, state: State): void =>
    rename(versions, field, field.slice(0, -1) + state, name => ({ endsMs, sealed: seal(name, template) }))

  for (const { template, how } of ended) {
    for (const [field, version] of openOf(template.templateId)) {
      const isSame = versionOf(version) === versionOf(template)
      end(field, isSame ? { ...template, firstSeenMs: version.firstSeenMs } : version, stateOf[how])
    }
  }
  for (const template of begun) {
    const opened = openOf(template.templateId)
    if (opened.some(([, version]) => versionOf(version) === versionOf(template))) continue
    for (const [field, version] of opened) end(field, version, 'r')
    const field = `${serialAfter(versions)}.${template.templateId}o`
    versions.set(field, { endsMs, sealed: seal(field, template) })
  }
  for (const field of versions.keys()) {
    if (versions.size <= MAX_VERSIONS_PER_PLACE) break
    versions.delete(field)
  }
}

/** @param live - the templates that stand in the place now, by id. */
export function readVersions(
  versions: Part,
  live: ReadonlyMap<number, StoredTemplate>,
  open: VersionSeal['open']
): TemplateVersion[] {
  const untold = new Map(live)
  const told = [...versions].slice(-MAX_VERSIONS_PER_PLACE).flatMap(([field, { sealed }]) => {
    const state = field.slice(-1)
    const template = open(field, sealed)
    if (template === undefined || !isState(state)) return []
    const now = live.get(template.templateId)
    if (state !== 'o' || now === undefined || versionOf(now) !== versionOf(template)) {
      return [versionFrom(template, template, states[state])]
    }
    untold.delete(template.templateId)
    return [versionFrom(template, now, undefined)]
  })
  // History goes before the templates do where these do not change for long.
  return [...told, ...[...untold.values()].map(template => versionFrom(template, template, undefined))]
}

function versionFrom(
  { templateId, scopeCount, fields, firstSeenMs }: StoredTemplate,
  { lastSeenMs, session }: StoredTemplate,
  ended: TemplateVersion['ended']
): TemplateVersion {
  const hash = definitionHash(fields, scopeCount)
  const version = { templateId, scopeCount, fields, hash, firstSeenMs, lastSeenMs, session }
  return ended === undefined ? version : { ...version, ended }
}

const isState = (text: string): text is State => Object.hasOwn(states, text)

function serialAfter(versions: Part): number {
  let last = 0
  for (const field of versions.keys()) last = Math.max(last, Number.parseInt(field, 10) || 0)
  return last + 1
}

/** Give an entry another name and value at its place in the order. */
function rename(
  versions: Part,
  from: string,
  to: string,
  valueOf: (name: string) => { endsMs: number; sealed: Uint8Array }
): void {
  const all = [...versions]
  versions.clear()
  for (const [field, entry] of all) {
    if (field === from) versions.set(to, valueOf(to))
    else versions.set(field, entry)
  }
}
