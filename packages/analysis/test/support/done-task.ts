import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type Type from 'typebox'
import Value from 'typebox/value'
import type { TestContext } from 'node:test'
import { folderOf } from './folder.ts'
import type { Task, TaskInput, TaskLimits, TaskProgress, TaskResult } from '../../src/index.ts'

/** What a test may want otherwise. */
export interface TaskWishes {
  readonly limits?: Partial<TaskLimits>
  readonly signal?: AbortSignal
  readonly progress?: (now: TaskProgress) => void
}

/** A task's result, and its files. */
export interface DoneTask extends TaskResult {
  readonly folder: string
  path(name: string): string
  text(name: string): string
}

/** Run a task as a job would. */
export async function runTask<Params>(
  context: TestContext,
  task: Task<Params>,
  params: Params,
  inputs: readonly TaskInput[],
  wishes: TaskWishes = {}
): Promise<DoneTask> {
  const folder = folderOf(context)
  const path = (name: string): string => join(folder, name)
  const given = Value.Default(task.params as Type.TObject, { ...params }) as Params
  if (!Value.Check(task.params, given)) throw new Error(JSON.stringify(Value.Errors(task.params, given)))
  const result = await task.run(given, {
    inputs,
    outputFolder: folder,
    limits: { outputOctets: 2 ** 31, expansion: 100, memoryOctets: 256 * 2 ** 20, ...wishes.limits },
    signal: wishes.signal ?? new AbortController().signal,
    progress: wishes.progress ?? (() => {})
  })
  return { ...result, folder, path, text: name => readFileSync(path(name), 'utf8') }
}
