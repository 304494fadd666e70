import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type Type from 'typebox'
import Value from 'typebox/value'
import type { TestContext } from 'node:test'
import { folderOf } from './folder.ts'
import type { Task, TaskInput, TaskLimits, TaskResult } from '../../src/index.ts'

export const taskLimits: TaskLimits = { outputOctets: 2 ** 28, expansion: 100, memoryOctets: 2 ** 27 }

/** What a task has made, and how to read it. */
export interface TaskRun {
  readonly result: TaskResult
  text(file: string): string
}

/** Run a task as a job would: parameters checked, defaults filled in, an empty folder for what it writes. */
export async function runTask(
  context: TestContext,
  task: Task,
  inputs: readonly TaskInput[],
  params: Readonly<Record<string, unknown>> = {},
  limits: Partial<TaskLimits> = {}
): Promise<TaskRun> {
  const given = Value.Default(task.params as Type.TObject, { ...params })
  if (!Value.Check(task.params, given)) throw new Error(JSON.stringify(Value.Errors(task.params, given)))
  const outputFolder = folderOf(context)
  const result = await task.run(given, {
    inputs,
    outputFolder,
    limits: { ...taskLimits, ...limits },
    signal: new AbortController().signal,
    progress() {}
  })
  return { result, text: file => readFileSync(join(outputFolder, file), 'utf8') }
}
