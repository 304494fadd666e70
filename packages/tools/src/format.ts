import { run } from './repository.ts'

// Mends what can be mended by itself: layout first, then the lint rules that have a fix.
for (const [command, args] of [
  ['oxfmt', ['.']],
  ['oxlint', ['--fix']]
] as const) {
  const { code, output } = run(command, args)
  process.stdout.write(output)
  if (code !== 0) process.exitCode = 1
}
