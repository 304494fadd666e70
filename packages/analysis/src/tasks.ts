import { analyseTask } from './analyse/analyse-task.ts'
import { compareTask } from './compare/compare-task.ts'
import { convertTask } from './convert/convert-task.ts'
import { graphTask } from './graph/graph-task.ts'
import { queryTask } from './query/query-task.ts'
import type { Task } from './task.ts'

/** Every kind of work on recorded flows; each is a type of job. */
export const tasks: readonly Task[] = [analyseTask, compareTask, convertTask, graphTask, queryTask]
