import { generateAll } from './generated-files.ts'

const changed = await generateAll()
process.stdout.write(
  changed.length === 0 ? 'all generated files are current\n' : `${changed.map(path => `wrote ${path}`).join('\n')}\n`
)
