export type * from './task.ts'
