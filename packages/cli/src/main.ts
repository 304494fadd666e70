import { flushCompileCache, getCompileCacheDir } from 'node:module'
import { CommanderError } from 'commander'
import type { Command } from 'commander'
import { CodedError, errorMessage, exitCodes } from '@weir/runtime'
import { weirProgram } from './program.ts'

/** Commander's own exits become ours: a wrong command line is 64, asking for help is 0. */
function overrideExits(command: Command): void {
  command.exitOverride()
  for (const child of command.commands) overrideExits(child)
}

async function main(): Promise<void> {
  const program = weirProgram()
  overrideExits(program)
  try {
    await program.parseAsync()
  } catch (error) {
    process.exitCode = exitCodeOf(error)
  }
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage
  if (error instanceof CodedError) {
    process.stderr.write(`weir: ${error.message}\n`)
    return error.exitCode
  }
  process.stderr.write(`weir: ${error instanceof Error ? (error.stack ?? error.message) : errorMessage(error)}\n`)
  return exitCodes.internal
}

// A reader that has had enough (weir decode … | head) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) =>
  process.exit(error.code === 'EPIPE' ? exitCodes.ok : exitCodes.inputOutput)
)

// A child of `weir up` that is no process of the pod (the traffic of the demo) ends with it, however it ended.
if (process.send !== undefined) {
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
  // Listening must not keep a command alive that is done.
  process.channel?.unref()
}

// Node writes what it compiled when it ends in order; a child that is killed would leave nothing to its successor.
if (getCompileCacheDir() !== undefined) setTimeout(flushCompileCache, 1_000).unref()

await main()
