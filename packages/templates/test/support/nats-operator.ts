import { hash } from 'node:crypto'
import { nkeys } from '@nats-io/transport-node'

/** What a nats-server needs to know users by their credentials, and the credentials of one. */
export interface NatsOperator {
  /** For the server's configuration. */
  readonly config: string
  /** What stands in a credentials file. */
  readonly credentials: Uint8Array
}

type Signer = ReturnType<typeof nkeys.createOperator>

const unlimited = { subs: -1, data: -1, payload: -1 }
const account = {
  type: 'account',
  version: 2,
  limits: {
    ...unlimited,
    imports: -1,
    exports: -1,
    wildcards: true,
    conn: -1,
    leaf: -1,
    mem_storage: -1,
    disk_storage: -1,
    streams: -1,
    consumer: -1
  }
}

/** An operator, an account with JetStream, a system account and a user, as `nsc` makes them. */
export function makeOperator(): NatsOperator {
  const operator = nkeys.createOperator()
  const [system, weir] = [nkeys.createAccount(), nkeys.createAccount()]
  const user = nkeys.createUser()
  const { limits, ...rest } = account
  const { mem_storage: _memory, disk_storage: _disk, streams: _streams, consumer: _consumer, ...plain } = limits
  const operatorClaims = { type: 'operator', version: 2, system_account: system.getPublicKey() }
  const userJwt = jwt(user, weir, 'weir', { type: 'user', version: 2, ...unlimited })
  const seed = new TextDecoder().decode(user.getSeed())
  return {
    config: [
      `operator: ${jwt(operator, operator, 'operator', operatorClaims)}`,
      `system_account: ${system.getPublicKey()}`,
      'resolver: MEMORY',
      'resolver_preload: {',
      `  ${system.getPublicKey()}: ${jwt(system, operator, 'system', { ...rest, limits: plain })}`,
      `  ${weir.getPublicKey()}: ${jwt(weir, operator, 'weir', account)}`,
      '}'
    ].join('\n'),
    credentials: Buffer.from(
      [
        '-----BEGIN NATS USER JWT-----',
        userJwt,
        '------END NATS USER JWT------',
        '',
        '-----BEGIN USER NKEY SEED-----',
        seed,
        '------END USER NKEY SEED------',
        ''
      ].join('\n')
    )
  }
}

function jwt(subject: Signer, issuer: Signer, name: string, nats: Readonly<Record<string, unknown>>): string {
  const iat = Math.floor(Date.now() / 1000)
  const claims = { iat, iss: issuer.getPublicKey(), sub: subject.getPublicKey(), name, nats }
  const body = { ...claims, jti: hash('sha256', JSON.stringify(claims), 'hex') }
  const text = [{ typ: 'JWT', alg: 'ed25519-nkey' }, body]
    .map(part => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
  return `${text}.${Buffer.from(issuer.sign(new TextEncoder().encode(text))).toString('base64url')}`
}
