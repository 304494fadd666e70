import { createInterface } from 'node:readline/promises'
import type { Command } from 'commander'
import type { Difference } from '@weir/config'
import { CodedError, exitCodes } from '@weir/runtime'
import { configApiOf } from '../../ctl/config-api.ts'
import type { ConfigApi, Plan } from '../../ctl/config-api.ts'
import { ctlCommand, withTarget } from '../../ctl/ctl-command.ts'
import type { CtlOptions } from '../../ctl/ctl-command.ts'
import { documentOf, objectOf } from '../../ctl/given-document.ts'
import { standingNotesOf, tellNotes } from '../../ctl/notes.ts'
import { print } from '../../ctl/output.ts'
import { checkApplicable, differenceText, isEmpty, planText } from '../../ctl/plan-text.ts'
import { wholeNumber } from '../../traffic/parse-target.ts'

interface ChangeOptions extends CtlOptions {
  readonly reason?: string
  readonly dryRun?: boolean
  readonly yes?: boolean
}

const asks = (command: Command): Command =>
  command
    .option('--reason <text>', 'why, for the list of revisions')
    .option('--dry-run', 'show what would change, and change nothing')
    .option('-y, --yes', 'do not ask (without a terminal nobody is asked)')

const applyHelp = `
Examples:
  $ weir ctl get config > weir.yaml
  $ weir ctl apply weir.yaml --dry-run
  $ weir ctl apply weir.yaml --reason "second collector"

Exit codes: 0 it holds, or nothing had to change, 1 it was not taken, 65 the document is wrong: every error has its path,
69 the API does not answer.
`

/** `weir ctl apply`: a whole document. */
export function applyCommand(): Command {
  return asks(ctlCommand('apply', 'Put a document in force: shows what changes and what stays, and asks.'))
    .argument('<file>', 'weir.yaml or JSON; - is standard input')
    .addHelpText('after', applyHelp)
    .action((file: string, options: ChangeOptions) =>
      withTarget(options, async target => {
        const api = configApiOf(target)
        const document = documentOf(file)
        const { etag, notes } = await api.read()
        tellNotes(notes)
        if (!(await isWanted(await api.plans(document), options))) return
        tell(await api.put(document, etag, options.reason), options)
      })
    )
}

/** `weir ctl patch`: some keys. */
export function patchCommand(): Command {
  return ctlCommand('patch', 'Change some keys by a merge patch (RFC 7396); null = back to the default.')
    .argument('<patch>', 'JSON or YAML, e.g. \'{"log": {"level": "debug"}}\'')
    .option('--reason <text>', 'why, for the list of revisions')
    .action((patch: string, options: ChangeOptions) =>
      withTarget(options, async target => {
        const api = configApiOf(target)
        const { etag } = await api.read()
        tell(await api.patch(objectOf(patch, 'the patch'), etag, options.reason), options)
      })
    )
}

/** `weir ctl diff`: what differs between a file, the document in force, and revisions. */
export function diffCommand(): Command {
  return ctlCommand('diff', 'Show where a document and the one in force differ, or two revisions.')
    .argument('[file]', 'weir.yaml or JSON; - is standard input')
    .option('--from <number>', 'a revision instead of a file', wholeNumber(0))
    .option('--to <number>', 'another revision than the one in force', wholeNumber(0))
    .addHelpText('after', '\nExit codes: 0 nothing differs, 1 something does, others as weir ctl apply.\n')
    .action((file: string | undefined, options: CtlOptions & { from?: number; to?: number }) =>
      withTarget(options, async target => {
        const differences = await differencesFor(configApiOf(target), file, options)
        print(differences, options.output, () => differenceText(differences))
        tellNotes(await standingNotesOf(target))
        if (differences.length > 0) process.exitCode = exitCodes.failed
      })
    )
}

/** `weir ctl rollback`: an earlier document. */
export function rollbackCommand(): Command {
  return ctlCommand('rollback', 'Put the document of an earlier revision in force again, as a new revision.')
    .argument('<revision>', 'its number; weir ctl get revisions lists them', wholeNumber(0))
    .option('--reason <text>', 'why')
    .action((revision: number, options: ChangeOptions) =>
      withTarget(options, async target => tell(await configApiOf(target).rollback(revision, options.reason), options))
    )
}

async function differencesFor(
  api: ConfigApi,
  file: string | undefined,
  { from, to }: { from?: number; to?: number }
): Promise<readonly Difference[]> {
  if (from !== undefined && file !== undefined) throw usage('A file or --from: one of the two.')
  if (from !== undefined) return api.diff(from, to)
  if (to !== undefined) throw usage('--to wants --from: the revision it is compared with.')
  if (file === undefined) throw usage('Name a file, or a revision with --from.')
  const wanted = await api.validate(documentOf(file))
  const { differencesOf } = await import('@weir/config')
  return differencesOf((await api.read()).document, wanted)
}

/** Show the plan; ask where somebody can answer. */
async function isWanted(plans: readonly Plan[], { output, dryRun, yes }: ChangeOptions): Promise<boolean> {
  // Of a change that is made, standard output has the revision, and nothing else.
  if (output === 'table' || dryRun !== true) process.stderr.write(planText(plans))
  else print(plans, output, () => '')
  checkApplicable(plans)
  if (isEmpty(plans) || dryRun === true) return false
  if (yes === true || !process.stdin.isTTY || !process.stderr.isTTY) return true
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  const answer = await terminal.question('Put it in force? [y/N] ')
  terminal.close()
  return /^y(es)?$/i.test(answer.trim())
}

const tell = (revision: number, { output }: CtlOptions): void =>
  print(
    { revision },
    output,
    () => `Revision ${revision} holds. Back: weir ctl rollback ${Math.max(0, revision - 1)}\n`
  )

const usage = (message: string): CodedError => new CodedError('USAGE', message, exitCodes.usage)
