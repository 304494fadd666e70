// The one entry of every npm script: finds or installs the right Node and the dependencies, then runs the verb by it.
import { join } from 'node:path'
import { ensureDependencies, findNode, giveUp, root, runNode } from './node-runtime.mjs'

const verbs = {
  weir: ['packages/cli/src/main.ts'],
  test: ['packages/tools/src/test.ts'],
  check: ['packages/tools/src/check.ts'],
  generate: ['packages/tools/src/generate.ts'],
  format: ['packages/tools/src/format.ts'],
  fuzz: ['packages/tools/src/fuzz.ts'],
  bench: ['packages/tools/src/bench.ts'],
  'bench:system': ['packages/tools/src/bench.ts', '--system']
}

const [verb = '', ...args] = process.argv.slice(2)
const script = verbs[verb]
if (script === undefined) giveUp(`there is no ${JSON.stringify(verb)}; there is ${Object.keys(verbs).join(', ')}`, 64)

const node = await findNode()
await ensureDependencies()
process.exitCode = await runNode(node, [join(root, script[0]), ...script.slice(1), ...args])
