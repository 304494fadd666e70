import { tasks as analysisTasks } from '@weir/analysis/tasks'
import type { Task } from '@weir/analysis'
import { replayTask } from './replay/replay-task.ts'

/** Every type of job. */
export const tasks: readonly Task[] = [...analysisTasks, replayTask]
