import { resolve } from 'node:path'
import { Child } from './child.ts'
import type { ChildOptions } from './child.ts'

export const projectFolder = resolve(import.meta.dirname, '../..')
const entry = resolve(projectFolder, 'packages/cli/bin/weir.mjs')

/** Start `weir ARGS…` with the Node that runs this test, as an operator would from a checkout. */
export function weir(args: readonly string[], options: ChildOptions = {}): Child {
  return new Child(`weir ${args[0]}`, process.execPath, [entry, ...args], options)
}

/** Run `weir ARGS…` to its end. @throws if it does not end with `code`. */
export async function runWeir(args: readonly string[], options: ChildOptions & { code?: number } = {}): Promise<Child> {
  const child = weir(args, options)
  const { code } = await child.waitForEnd(60_000)
  if (code !== (options.code ?? 0)) throw new Error(`weir ${args.join(' ')} ended with ${code}\n${child.said}`)
  return child
}
