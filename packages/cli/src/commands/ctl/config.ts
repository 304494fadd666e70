import { createInterface } from 'node:readline/promises'
import type { Command } from 'commander'
import type { Difference } from '@weir/config'
import { CodedError, exitCodes } from '@weir/runtime'
import { configApiOf } from '../../ctl/config-api.ts'
import type { ConfigApi, InForce, Json } from '../../ctl/config-api.ts'
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
        const inForce = await api.read()
        await change({ api, inForce, document, options }, () => api.put(document, inForce.etag, options.reason))
      })
    )
}

/** `weir ctl patch`: some keys. */
export function patchCommand(): Command {
  return asks(ctlCommand('patch', 'Change some keys by a merge patch (RFC 7396); null = back to the default.'))
    .argument('<patch>', 'JSON or YAML, e.g. \'{"log": {"level": "debug"}}\'')
    .action((patch: string, options: ChangeOptions) =>
      withTarget(options, async target => {
        const { mergePatch } = await import('@weir/config')
        const api = configApiOf(target)
        const wanted = objectOf(patch, 'the patch')
        const inForce = await api.read()
        const document = mergePatch(inForce.document, wanted) as Json
        await change({ api, inForce, document, options }, () => api.patch(wanted, inForce.etag, options.reason))
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
  return asks(ctlCommand('rollback', 'Put the document of an earlier revision in force again, as a new revision.'))
    .argument('<revision>', 'its number; weir ctl get revisions lists them', wholeNumber(0))
    .action((revision: number, options: ChangeOptions) =>
      withTarget(options, async target => {
        const api = configApiOf(target)
        const inForce = await api.read()
        const document = await api.revision(revision)
        await change({ api, inForce, document, options }, () => api.rollback(revision, inForce.etag, options.reason))
      })
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

interface Change {
  readonly api: ConfigApi
  readonly inForce: InForce
  /** What is to be in force. */
  readonly document: Json
  readonly options: ChangeOptions
}

/** Show what a document changes, ask, and change it. */
async function change({ api, inForce, document, options }: Change, make: () => Promise<number>): Promise<void> {
  const { output, dryRun } = options
  tellNotes(inForce.notes)
  const plans = await api.plans(document)
  // Of a change that is made, standard output has the revision, and nothing else.
  if (output === 'table' || dryRun !== true) process.stderr.write(planText(plans))
  else print(plans, output, () => '')
  checkApplicable(plans)
  if (dryRun === true) return
  if (isEmpty(plans) && inForce.isConverged) {
    print({ revision: inForce.number }, output, () => 'Nothing changes.\n')
  } else if (await isWanted(options)) tell(await make(), options)
}

/** Ask where somebody can answer. */
async function isWanted({ yes }: ChangeOptions): Promise<boolean> {
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
