/** Which template: whose, of which Observation Domain, which id. */
export interface TemplateName {
  /** Scope key of the session (`@weir/templates`). */
  readonly scope: string
  readonly odid: number
  readonly templateId: number
}

/** Name of a template in the API: base64url of `scope|odid|templateId`. */
export const templateKeyOf = (scope: string, odid: number, templateId: number): string =>
  Buffer.from(`${scope}|${odid}|${templateId}`, 'utf8').toString('base64url')

/** The inverse of {@link templateKeyOf}. @returns undefined if it is none. */
export function parseTemplateKey(key: string): TemplateName | undefined {
  if (key.length > 1_024) return undefined
  const match = /^(.+)\|(\d{1,10})\|(\d{1,5})$/s.exec(Buffer.from(key, 'base64url').toString('utf8'))
  if (match === null) return undefined
  const [scope, odid, templateId] = [match[1], Number(match[2]), Number(match[3])]
  if (odid > 0xffff_ffff || templateId > 0xffff || templateKeyOf(scope, odid, templateId) !== key) return undefined
  return { scope, odid, templateId }
}
