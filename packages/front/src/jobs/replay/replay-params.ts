import { IpfixFileDestination, JsonDestination } from '@weir/config'
import Type from 'typebox'

const url = Type.Object(
  {
    url: Type.String({
      minLength: 1,
      maxLength: 512,
      description:
        'udp://HOST:PORT or tcp://HOST:PORT of a collector, which gets the Messages as they were recorded; mediator.destinationPolicy says which are allowed.'
    })
  },
  { additionalProperties: false, title: 'url' }
)

const json = Type.Pick(JsonDestination, ['type', 'numbers64', 'filter', 'plan'], {
  additionalProperties: false,
  title: 'json'
})

const ipfixFile = Type.Pick(
  IpfixFileDestination,
  ['type', 'observationDomainId', 'maxMessageOctets', 'filter', 'plan'],
  { additionalProperties: false, title: 'ipfix-file' }
)

const SandboxDestination = Type.Union([json, ipfixFile], {
  description: 'Keys of a destination of the configuration; its file is that of the result.'
})

const sandbox = Type.Object(
  {
    sandbox: Type.Object(
      { destination: SandboxDestination },
      {
        additionalProperties: false,
        description: 'A collector and a mediator of its own, with this one destination; they end with the job.'
      }
    )
  },
  { additionalProperties: false, title: 'sandbox' }
)

export const ReplayParams = Type.Object(
  {
    to: Type.Union([sandbox, url], { description: 'Where to.' }),
    speed: Type.Number({
      default: 1,
      minimum: 0,
      maximum: 1_000_000,
      description: 'Times as fast as it was recorded, pauses of more than 5 s cut short; 0 = without waiting.'
    }),
    rate: Type.Integer({
      default: 0,
      minimum: 0,
      maximum: 10_000_000,
      description: "Messages a second instead of the recording's own timing; 0 = its timing."
    }),
    restamp: Type.Boolean({
      default: false,
      description: 'Write the time of sending into each header (Export Time).'
    })
  },
  { additionalProperties: false }
)
export type ReplayParams = Type.Static<typeof ReplayParams>
export type SandboxDestination = Type.Static<typeof SandboxDestination>
