import Type from 'typebox'
import { CollectorLimits } from './collector-limits.ts'
import { ExporterOverrideConfig, ExporterPolicyConfig } from './exporters.ts'
import { GIB, MIB, httpHealth, identifier, orNull, section, text, wholeNumber, word } from './keys.ts'

const listenerKeys = {
  name: identifier('Its name in the API, the log and the metrics.'),
  address: text('address', { default: '::', description: 'Local address to bind; `::` takes IPv4 and IPv6.' }),
  port: wholeNumber({
    default: 4739,
    minimum: 0,
    maximum: 65535,
    description: 'Port; 4739 is registered for IPFIX, 2055 is customary for NetFlow; 0 takes any free one.'
  })
}

/** A UDP listener; every listener detects all versions. */
const UdpListener = Type.Object(
  {
    ...listenerKeys,
    transport: Type.Literal('udp', { description: 'UDP: loss is possible and counted, never answered.' }),
    receiveBufferOctets: wholeNumber({
      default: 8 * MIB,
      minimum: 4096,
      maximum: GIB,
      unit: 'octets',
      limit: 'L-64',
      description:
        'Socket receive buffer to ask for; the kernel grants at most net.core.rmem_max. 8 MiB bridge about 3 s.',
      memory: 'twice this in the kernel, per listener',
      whenReached: 'the kernel drops datagrams; counted per listener'
    }),
    socket: word(
      ['auto', 'dgram', 'recvmmsg'],
      'auto',
      'How it is read: recvmmsg takes many datagrams per system call (needs FFI), dgram one; auto takes the best there is.'
    )
  },
  { additionalProperties: false, title: 'udp' }
)
export type UdpListener = Type.Static<typeof UdpListener>

const ProxyProtocol = Type.Object(
  {
    from: Type.Array(text('cidr', { description: 'An address or a CIDR block.' }), {
      minItems: 1,
      maxItems: 1_000,
      description:
        'The load balancers. What comes from them has to begin with a PROXY header, v1 or v2; `collector.allow` is then asked about the exporter in it, not about them.'
    })
  },
  { additionalProperties: false, description: 'PROXY protocol of one listener.' }
)

/** A TCP listener. */
const TcpListener = Type.Object(
  {
    ...listenerKeys,
    transport: Type.Literal('tcp', { description: 'TCP: back-pressure instead of loss.' }),
    proxyProtocol: orNull(
      ProxyProtocol,
      null,
      'Load balancers in front of it that say whose connection they pass on (HAProxy, Envoy, AWS NLB), so that the exporter is the exporter and not the balancer. Connections from elsewhere are exporters themselves and send none.'
    )
  },
  { additionalProperties: false, title: 'tcp' }
)
export type TcpListener = Type.Static<typeof TcpListener>

/** One listener of the collector. */
export const Listener = Type.Union([UdpListener, TcpListener], { tag: 'transport' })
export type Listener = Type.Static<typeof Listener>

const defaultListeners = [
  { name: 'ipfix-udp', transport: 'udp', port: 4739 },
  { name: 'ipfix-tcp', transport: 'tcp', port: 4739 },
  { name: 'netflow-udp', transport: 'udp', port: 2055 }
]

/** Section `collector`. */
export const CollectorConfig = section(
  {
    listeners: Type.Array(Listener, {
      default: defaultListeners,
      minItems: 1,
      maxItems: 64,
      description:
        'Where exporters send to. Versions are told apart by the Message, not by the port. One that has the same name, transport, address and port as before keeps its socket when others change; a UDP one that moves keeps its sessions.'
    }),
    allow: Type.Array(text('cidr', { description: 'An address or a CIDR block.' }), {
      default: [],
      maxItems: 10_000,
      description: 'Exporters that may send. If it is not empty, everybody else is dropped and counted (not_allowed).'
    }),
    allowAny: Type.Boolean({
      default: true,
      description:
        'Take Messages from any address. Only with an empty `allow`; a `allow` that is not empty makes it false. Warned of at start: UDP sources can be forged.'
    }),
    exporters: Type.Array(ExporterPolicyConfig, {
      default: [],
      maxItems: 1_000,
      description: 'What holds for some exporters otherwise than for all; the first entry that matches an address wins.'
    }),
    exporterOverrides: Type.Array(ExporterOverrideConfig, {
      default: [],
      maxItems: 4_096,
      description:
        'What holds for single exporters, key by key over the entries of `exporters`; what PATCH /v1/exporters/{id} changes.'
    }),
    strict: Type.Boolean({
      default: false,
      description: 'End a TCP session at the first violation of a MUST that could also be tolerated (RFC 5471).'
    }),
    v9EnterpriseNumber: wholeNumber({
      default: 9,
      minimum: 1,
      maximum: 4_294_967_295,
      description: 'Enterprise number given to NetFlow v9 field types of 32768 and above; 9 is Cisco.'
    }),
    templateStore: word(
      ['file', 'memory'],
      'file',
      'Where templates are remembered: in a file under stateDir, so that a restarted collector decodes at once, or not beyond its life.'
    ),
    elementFiles: Type.Array(text('path', { description: 'A file in the form of the vendor registries.' }), {
      default: [],
      maxItems: 256,
      description:
        'Files with further Information Elements; they add to the built-in registries and never replace an IANA element.'
    }),
    limits: CollectorLimits,
    http: httpHealth('collector', 9101)
  },
  'The Collecting Process: listeners, sessions, templates.'
)
export type CollectorConfig = Type.Static<typeof CollectorConfig>
