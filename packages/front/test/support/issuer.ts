import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { SignJWT, exportJWK, generateKeyPair } from 'jose'
import type { CryptoKey, JWK, JWTPayload } from 'jose'

interface SigningKey {
  readonly kid: string
  readonly alg: string
  readonly secret: CryptoKey
  readonly shown: JWK
}

/** An OpenID Connect issuer on a free port of this machine, with keys of its own. */
export class Issuer {
  url = ''
  /** Paths that were asked for. */
  readonly asked: string[] = []
  /** What it answers with, while it is not well. */
  failure: { readonly status: number; readonly body: string } | undefined
  /** Laid over its discovery document. */
  discovery: object = {}
  keys: SigningKey[] = []

  async start(t: TestContext, algs: readonly string[] = ['RS256']): Promise<this> {
    for (const alg of algs) await this.addKey(alg)
    const server = createServer((request, response) => {
      this.asked.push(request.url!)
      response.setHeader('content-type', 'application/json')
      response.statusCode = this.failure?.status ?? 200
      const { url } = this
      const body =
        request.url === '/.well-known/openid-configuration'
          ? { issuer: url, jwks_uri: `${url}/keys`, ...this.discovery }
          : { keys: this.keys.map(({ shown }) => shown) }
      response.end(this.failure?.body ?? JSON.stringify(body))
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    t.after(() => {
      server.closeAllConnections()
      server.close()
    })
    return this
  }

  async addKey(alg: string, kid = `${alg}-${this.keys.length}`): Promise<SigningKey> {
    const { privateKey, publicKey } = await generateKeyPair(alg)
    const key = { kid, alg, secret: privateKey, shown: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } }
    this.keys.push(key)
    return key
  }

  /** A token as it should be, but for what is given. */
  token(nowMs: number, claims: JWTPayload = {}, header: object = {}, key = this.keys[0]!): Promise<string> {
    const nowSec = Math.floor(nowMs / 1_000)
    const all = {
      iss: this.url,
      aud: 'weir',
      sub: 'alice',
      iat: nowSec,
      exp: nowSec + 600,
      roles: ['reader'],
      ...claims
    }
    const given = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
    return new SignJWT(given).setProtectedHeader({ alg: key.alg, kid: key.kid, ...header }).sign(key.secret)
  }
}
