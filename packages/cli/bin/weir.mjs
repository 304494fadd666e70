#!/usr/bin/env node
// `npx weir …`: under a Node that is recent enough the command runs at once, else by the Node that the repository brings.
import { fileURLToPath } from 'node:url'
import { areDependenciesInstalled, findNode, giveUp, isNodeRecent, runNode } from '../../tools/src/node-runtime.mjs'

const main = new URL('../src/main.ts', import.meta.url)

if (!areDependenciesInstalled())
  giveUp('the dependencies are missing or out of date; run npm start (or npm ci --ignore-scripts) first')
if (isNodeRecent()) await import(main.href)
else process.exitCode = await runNode(await findNode(), [fileURLToPath(main), ...process.argv.slice(2)])
