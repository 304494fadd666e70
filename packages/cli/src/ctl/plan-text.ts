import type { Difference } from '@weir/config'
import { CodedError, exitCodes } from '@weir/runtime'
import type { Plan, PlanStep } from './config-api.ts'
import { tableOf } from './output.ts'

const changesOf = ({ steps }: Plan): readonly PlanStep[] => steps.filter(({ action }) => action !== 'keep')

/** Nothing is to be done anywhere. */
export const isEmpty = (plans: readonly Plan[]): boolean => plans.every(plan => changesOf(plan).length === 0)

const columns = [
  ['ACTION', 'action'],
  ['WHAT', 'what'],
  ['ID', 'id'],
  ['STAYS', 'stays']
] as const

/** What would change and what stays; pods at which it is the same stand together. */
export function planText(plans: readonly Plan[]): string {
  const groups = new Map<string, { readonly pods: string[]; readonly text: string }>()
  for (const plan of plans) {
    const text = textOf(plan)
    const group = groups.get(text)
    if (group === undefined) groups.set(text, { pods: plan.pod === undefined ? [] : [plan.pod], text })
    else group.pods.push(plan.pod ?? '')
  }
  return [...groups.values()]
    .map(({ pods, text }) => (pods.length === 0 ? text : `${pods.join(', ')}:\n${text}`))
    .join('\n')
}

function textOf(plan: Plan): string {
  if (typeof plan.detail === 'string') return `${plan.detail}\n`
  const changes = changesOf(plan)
  if (changes.length === 0) return 'Nothing would change.\n'
  return `${tableOf(changes, columns, '')}${plan.steps.length - changes.length} more stay as they are.\n`
}

/** @throws CodedError if one of the pods would not take it. */
export function checkApplicable(plans: readonly Plan[]): void {
  const refused = plans.find(({ isApplicable }) => !isApplicable)
  if (refused === undefined) return
  if (typeof refused.detail === 'string') {
    throw new CodedError('PLAN_INCOMPLETE', `${refused.pod}: ${refused.detail}`, exitCodes.failed)
  }
  const needed = changesOf(refused).flatMap(({ action, processes }) => (action === 'restart' ? processes : []))
  throw new CodedError(
    'RESTART_NEEDED',
    `${refused.pod === undefined ? '' : `${refused.pod}: `}Some of it holds only after a restart of ${[...new Set(needed)].join(', ')}: leave it out, or change the file and restart.`,
    exitCodes.failed
  )
}

const signs = { add: '+', remove: '-', change: '~' } as const

/** One line for each place. */
export function differenceText(differences: readonly Difference[]): string {
  if (differences.length === 0) return 'Nothing differs.\n'
  const shown = (value: unknown): string => JSON.stringify(value) ?? '(nothing)'
  return differences
    .map(({ path, action, before, after }) => {
      const change = `${shown(before)} → ${shown(after)}`
      return `${signs[action]} ${path}: ${action === 'add' ? shown(after) : action === 'remove' ? shown(before) : change}\n`
    })
    .join('')
}
