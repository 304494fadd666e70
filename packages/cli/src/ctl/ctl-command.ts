import { Command, Option } from 'commander'
import { ctlErrorOf } from './ctl-error.ts'
import { outputForms } from './output.ts'
import type { OutputForm } from './output.ts'
import { targetOf } from './target.ts'
import type { Target } from './target.ts'

/** Options that every command of `weir ctl` has. */
export interface CtlOptions {
  readonly url: string
  readonly keyFile?: string
  readonly output: OutputForm
}

const DEFAULT_URL = 'http://127.0.0.1:8080'

/** A command of `weir ctl`, with the options that all have. */
export const ctlCommand = (name: string, description: string): Command =>
  new Command(name)
    .description(description)
    .addOption(
      new Option('--url <url>', 'web API of the fleet, or control API of one pod').env('WEIR_URL').default(DEFAULT_URL)
    )
    .addOption(
      new Option('--key-file <file>', 'file with the API key; else WEIR_KEY, else var/admin.key for this machine').env(
        'WEIR_KEY_FILE'
      )
    )
    .addOption(new Option('-o, --output <form>', 'for a person or for a program').choices(outputForms).default('table'))

/** Find the API and do something with it; what it refuses is told as {@link ctlErrorOf} does. */
export async function withTarget<T>(options: CtlOptions, action: (target: Target) => Promise<T>): Promise<T> {
  try {
    return await action(await targetOf(options))
  } catch (error) {
    throw ctlErrorOf(error, options.url)
  }
}
