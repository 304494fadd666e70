import type { Command } from 'commander'
import { CodedError, exitCodes } from '@weir/runtime'
import type { CtlOptions } from './ctl-command.ts'
import { getJson } from './read-list.ts'
import type { ListAnswer } from './read-list.ts'
import type { Target } from './target.ts'

export interface PodOptions extends CtlOptions {
  readonly pod?: string
}

/** The option of commands that are for one pod. */
export const addPodOption = (command: Command): Command =>
  command.option('--pod <name>', 'which pod of the fleet (weir ctl get pods); not needed where there is one')

/**
 * Where an API has what is done with one pod.
 *
 * @param path - below `/v1/` of its control API.
 * @throws CodedError if there are several pods and none is named, or a pod is named to the API of one.
 */
export async function podPathOf(target: Target, pod: string | undefined, path: string): Promise<string> {
  if (target.kind === 'front') return `/api/v1/pods/${encodeURIComponent(pod ?? (await onlyPod(target)))}/${path}`
  if (pod === undefined) return `/v1/${path}`
  throw usage(`${target.options.url} is the control API of one pod; leave --pod out, or name the web API with --url.`)
}

async function onlyPod(target: Target): Promise<string> {
  const { items } = (await getJson(target, '/api/v1/fleet')) as ListAnswer
  const names = items.map(item => String((item as { pod?: unknown }).pod))
  if (names.length === 1) return names[0]!
  throw usage(names.length === 0 ? 'There are no pods.' : `Say which pod with --pod: ${names.join(', ')}.`)
}

const usage = (message: string): CodedError => new CodedError('POD_NEEDED', message, exitCodes.usage)
