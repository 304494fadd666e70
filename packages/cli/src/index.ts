export { weirProgram } from './program.ts'
