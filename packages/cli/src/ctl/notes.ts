import type { ListAnswer } from './read-list.ts'
import type { Target } from './target.ts'

/** An answer that was put together from several pods. */
type PodsAnswer = Pick<ListAnswer, 'isPartial' | 'pods'>

/** How the pods of a fleet stand to its configuration, as far as a reader of it has to know. */
export interface FleetStanding extends PodsAnswer {
  /** Whose document is shown. */
  readonly pod: string
  readonly items: readonly {
    readonly pod: string
    readonly status: {
      readonly store: string
      readonly isConverged: boolean
      readonly reason: string | null
      readonly revision: { readonly number: number }
      readonly newest: { readonly number: number } | null
    }
  }[]
}

/** Write on standard error what a reader has to know. */
export const tellNotes = (notes: readonly string[]): void => {
  for (const note of notes) process.stderr.write(`weir: ${note}\n`)
}

/** Which pods are missing. */
export function missingNotes({ isPartial, pods = [] }: PodsAnswer): string[] {
  if (isPartial !== true) return []
  const away = pods.filter(({ isAnswered }) => !isAnswered).map(({ pod, detail }) => `${pod} (${detail ?? 'away'})`)
  return [`this is not all: ${away.join(', ')}`]
}

/** What a reader of a list has to know of it. */
export function listNotes(answer: ListAnswer): string[] {
  const { items, total, next } = answer
  const isCut = typeof next === 'string' || (next === undefined && total !== undefined && items.length < total)
  const cut = isCut ? [`${items.length} of ${total ?? 'more'} are shown; --all shows all`] : []
  return [...cut, ...missingNotes(answer)]
}

/** What a reader of the configuration of a fleet has to know of it. */
export function standingNotes(standing: FleetStanding): string[] {
  return [...ownNotes(standing), ...unlikeNotes(standing), ...missingNotes(standing)]
}

/** Pods without revisions in common: those that are away count as well. */
function ownNotes({ pod, items, pods = [] }: FleetStanding): string[] {
  if (pods.length < 2 || items.find(each => each.pod === pod)?.status.store !== 'own') return []
  return [
    `document and revisions are those of one pod, ${pod}: ${pods.length} pods have revisions of their own, so changes are refused here; ` +
      'see and change another with --url at its own API (weir ctl get pods), or give all of them stores.revisions'
  ]
}

/** Pods that have not the newest revision of the fleet. */
function unlikeNotes({ items }: FleetStanding): string[] {
  const newest = Math.max(...items.map(({ status }) => (status.newest ?? status.revision).number))
  const unlike = items
    .filter(({ status }) => status.store !== 'own' && !(status.isConverged && status.revision.number === newest))
    .map(({ pod, status }) => `${pod} (revision ${status.revision.number}${because(status.reason)})`)
  return unlike.length === 0 ? [] : [`revision ${newest} is not in force everywhere: ${unlike.join(', ')}`]
}

const because = (reason: string | null): string => (reason === null ? '' : `: ${reason}`)

/** The same of what is asked without the standing: revisions, and where they differ. */
export async function standingNotesOf(target: Target): Promise<string[]> {
  if (target.kind !== 'front') return []
  const { data } = await target.client.GET('/api/v1/config')
  return standingNotes(data!)
}
