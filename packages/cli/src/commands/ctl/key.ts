import { Command, Option } from 'commander'
import { ctlCommand, withTarget } from '../../ctl/ctl-command.ts'
import type { CtlOptions } from '../../ctl/ctl-command.ts'
import { print } from '../../ctl/output.ts'
import { frontOf } from '../../ctl/target.ts'

const roles = ['metrics', 'reader', 'operator', 'admin'] as const
type Role = (typeof roles)[number]

/** `weir ctl key`: who may do what. */
export function keyCommand(): Command {
  return new Command('key')
    .description('Make and revoke API keys (weir ctl get keys lists them).')
    .addCommand(createCommand())
    .addCommand(revokeCommand())
}

const createCommand = (): Command =>
  ctlCommand('create', 'Make a key. It is shown now and never again.')
    .argument('<name>', 'what it is for, in your words')
    .addOption(new Option('--role <role>', 'what it is good for').choices(roles).default('reader'))
    .addHelpText('after', '\nExample:\n  $ weir ctl key create grafana --role reader > grafana.key\n')
    .action((name: string, options: CtlOptions & { readonly role: Role }) =>
      withTarget(options, async target => {
        const { data } = await frontOf(target, 'A key').POST('/api/v1/keys', { body: { name, role: options.role } })
        print(data, options.output, () => `${data!.token}\n`)
      })
    )

const revokeCommand = (): Command =>
  ctlCommand('revoke', 'Revoke a key: it opens nothing from now on.')
    .argument('<id>', 'of the key')
    .action((id: string, options: CtlOptions) =>
      withTarget(options, async target => {
        await frontOf(target, 'A key').DELETE('/api/v1/keys/{id}', { params: { path: { id } } })
        process.stdout.write(`${id} opens nothing any more.\n`)
      })
    )
