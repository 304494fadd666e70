import Type from 'typebox'
import { orNull, section, text, word } from './keys.ts'

/** Where destinations that come through the API may send to and write files. */
export const DestinationPolicyConfig = section(
  {
    profile: word(
      ['machine', 'pod'],
      'machine',
      'machine: anything but what is never allowed, loopback and private addresses too. pod: only what `allow` names, and neither loopback nor the addresses of the pod unless it names them one by one.'
    ),
    ports: orNull(
      Type.Array(Type.Integer({ minimum: 1, maximum: 65_535 }), { maxItems: 64 }),
      null,
      'Ports that may be sent to; null = any on a machine, 4739, 4740, 2055 and 9995 in a pod.'
    ),
    allow: Type.Array(text('cidr', { description: 'An address or a CIDR block.' }), {
      default: [],
      maxItems: 256,
      description:
        'Where to they may send; empty: anywhere on a machine, nowhere in a pod. An entry within a block that is never allowed (link-local, cloud metadata, multicast, broadcast, unspecified, IPv4 in IPv6) opens that entry.'
    }),
    deny: Type.Array(text('cidr', { description: 'An address or a CIDR block.' }), {
      default: [],
      maxItems: 256,
      description: 'Where to they may not send, whatever `allow` says.'
    }),
    folders: Type.Array(text('path', { description: 'A folder.' }), {
      default: [],
      maxItems: 64,
      description:
        'Folders in which, and below which, they may write files; empty: only files in stateDir. Links that lead out of them are not followed.'
    })
  },
  'Where destinations that come through the API may send to and write files; those of the file are the word of its owner. Names are checked by each address that is connected to. Only the file and the environment say this, not the API.'
)
export type DestinationPolicyConfig = Type.Static<typeof DestinationPolicyConfig>
