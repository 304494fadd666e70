#!/usr/bin/env node
// `npx weir …`: under a Node that is recent enough the command runs at once, else by the Node that the repository brings.
import { fileURLToPath } from 'node:url'
import { areDependenciesInstalled, findNode, giveUp, isNodeRecent, runNode } from '../../tools/src/node-runtime.mjs'

const main = new URL('../src/main.ts', import.meta.url)

if (!areDependenciesInstalled())
  giveUp('the dependencies are missing or out of date; run npm start (or npm ci --ignore-scripts) first')

// npx puts a shell between itself and us, which hands on no signal: when that is gone, somebody has ended npx. Told once, as a second signal
// ends at once what stops in order.
if (process.env.npm_command === 'exec') {
  const parent = process.ppid
  const look = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(look)
    process.kill(process.pid, 'SIGTERM')
  }, 500).unref()
  for (const signal of ['SIGTERM', 'SIGINT']) {
    process.once(signal, () => {
      clearInterval(look)
      // Where nobody else listens it means what it does without us.
      if (process.listenerCount(signal) === 0) process.kill(process.pid, signal)
    })
  }
}

if (isNodeRecent()) await import(main.href)
else process.exitCode = await runNode(await findNode(), [fileURLToPath(main), ...process.argv.slice(2)])
