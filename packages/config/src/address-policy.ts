import { BlockList, isIP } from 'node:net'
import type { DestinationPolicyConfig } from './schema/destination-policy.ts'

/** Never without being named: each leads somewhere that a name or a number does not show, or to everybody. */
const specialBlocks = [
  // "This" network, link-local (cloud metadata is there), IETF protocols, multicast, reserved and broadcast.
  '0.0.0.0/8',
  '169.254.0.0/16',
  '192.0.0.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
  // Metadata and wire servers of clouds outside link-local.
  '100.100.100.200/32',
  '168.63.129.16/32',
  'fd00:ec2::254/128',
  'fd20:ce::254/128',
  // IPv4 in IPv6: compatible, mapped, translated, NAT64, Teredo, 6to4.
  '::/96',
  '::ffff:0:0/96',
  '::ffff:0:0:0/96',
  '64:ff9b::/96',
  '64:ff9b:1::/48',
  '2001::/32',
  '2002::/16',
  // Link-local, site-local, multicast.
  'fe80::/10',
  'fec0::/10',
  'ff00::/8'
]

/** Ports of IPFIX, IPFIX over TLS, NetFlow, and the usual second one of collectors. */
const podPorts: readonly number[] = [4739, 4740, 2055, 9995]

interface Block {
  readonly network: string
  readonly prefix: number
  readonly family: 'ipv4' | 'ipv6'
}

/** Which addresses and ports may be sent to (TH-34). It knows addresses only: names are for whoever resolves them. */
export class AddressPolicy {
  readonly #isPod: boolean
  readonly #ports: ReadonlySet<number> | undefined
  readonly #allow: Blocks | undefined
  readonly #deny: Blocks
  readonly #special = new Blocks(specialBlocks)
  readonly #opened: Blocks
  /** Entries of `allow` that are one address. */
  readonly #named: Blocks
  readonly #ownAddresses: () => readonly string[]

  /** @param ownAddresses - those of this machine; asked at each check, because they may change. */
  constructor(config: DestinationPolicyConfig, ownAddresses: () => readonly string[]) {
    const { profile, ports, allow, deny } = config
    this.#isPod = profile === 'pod'
    const allowedPorts = ports ?? (this.#isPod ? podPorts : undefined)
    this.#ports = allowedPorts === undefined ? undefined : new Set(allowedPorts)
    this.#allow = allow.length === 0 && !this.#isPod ? undefined : new Blocks(allow)
    this.#deny = new Blocks(deny)
    this.#opened = new Blocks(allow.filter(isWithinSpecial))
    this.#named = new Blocks(allow.filter(entry => isOneAddress(blockOf(entry))))
    this.#ownAddresses = ownAddresses
  }

  allowsPort(port: number): boolean {
    return this.#ports === undefined || this.#ports.has(port)
  }

  /** @param address - an address, with or without a zone; anything else is not allowed. */
  allows(address: string): boolean {
    const plain = canonical(address)
    const family = familyOf(plain)
    if (family === undefined) return false
    // The kernel connects to the IPv4 address in it.
    const inner = mappedIPv4(plain)
    if (inner !== undefined && this.#isBarred(inner, 'ipv4')) return false
    return !this.#isBarred(plain, family) && (this.#allow === undefined || this.#allow.has(plain, family))
  }

  /** Whether it may not be sent to, whatever blocks of `allow` it is in. */
  #isBarred(address: string, family: Block['family']): boolean {
    if (this.#deny.has(address, family)) return true
    if (isLoopback(address, family)) return this.#isPod && !this.#named.has(address, family)
    if (this.#special.has(address, family)) return !this.#opened.has(address, family)
    return this.#isPod && this.#isOwn(address) && !this.#named.has(address, family)
  }

  #isOwn(address: string): boolean {
    return this.#ownAddresses().some(own => canonical(own) === address)
  }
}

const isLoopback = (address: string, family: Block['family']): boolean =>
  family === 'ipv4' ? address.startsWith('127.') : address === '::1'

/** Without its zone, an IPv6 address as RFC 5952 writes it: one address has many spellings. */
function canonical(address: string): string {
  const zone = address.indexOf('%')
  const plain = zone === -1 ? address : address.slice(0, zone)
  return isIP(plain) === 6 ? new URL(`http://[${plain}]`).hostname.slice(1, -1) : plain
}

/** The address in `::ffff:0:0/96`. @param address - canonical. */
function mappedIPv4(address: string): string | undefined {
  const groups = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(address)
  if (groups === null) return undefined
  const [high, low] = [Number.parseInt(groups[1]!, 16), Number.parseInt(groups[2]!, 16)]
  return [high >>> 8, high & 255, low >>> 8, low & 255].join('.')
}

function familyOf(address: string): Block['family'] | undefined {
  const family = isIP(address)
  return family === 0 ? undefined : family === 4 ? 'ipv4' : 'ipv6'
}

function blockOf(entry: string): Block {
  const [network, prefix] = entry.split('/') as [string, string | undefined]
  const family = isIP(network) === 4 ? 'ipv4' : 'ipv6'
  return { network, prefix: prefix === undefined ? (family === 'ipv4' ? 32 : 128) : Number(prefix), family }
}

const isOneAddress = ({ prefix, family }: Block): boolean => prefix === (family === 'ipv4' ? 32 : 128)

/** CIDR blocks. Families are apart: a BlockList would take an IPv4 address for one of `::ffff:0:0/96`, and the other way round. */
class Blocks {
  readonly #lists = { ipv4: new BlockList(), ipv6: new BlockList() }

  constructor(entries: readonly string[]) {
    for (const { network, prefix, family } of entries.map(blockOf))
      this.#lists[family].addSubnet(network, prefix, family)
  }

  has(address: string, family: Block['family']): boolean {
    return this.#lists[family].check(address, family)
  }
}

/** An entry opens a special block only where it is no wider than that. */
function isWithinSpecial(entry: string): boolean {
  const { network, prefix, family } = blockOf(entry)
  return specialBlocks.some(special => {
    const block = blockOf(special)
    return block.family === family && prefix >= block.prefix && new Blocks([special]).has(network, family)
  })
}
