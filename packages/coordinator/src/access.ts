import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { HttpProblem } from '@weir/http'
import type { HttpServer, ServerSecrets } from '@weir/http'
import type { WeirConfig } from '@weir/config'
import { FollowedFiles, tokenOf } from '@weir/runtime'
import type { Clock } from '@weir/runtime'
import { refuseCrossSite } from './cross-site.ts'

type Settings = Pick<WeirConfig['coordinator'], 'address' | 'tokenFile' | 'tls'>

/** Certificate, key and the authority of clients; undefined: plain HTTP. @throws ConfigError if one cannot be read. */
export function serverSecrets({ tls }: Settings, clock: Clock): FollowedFiles<ServerSecrets> | undefined {
  if (tls === null) return undefined
  const { certFile, keyFile, clientCaFile } = tls
  const files = [
    { key: 'coordinator.tls.certFile', path: certFile },
    { key: 'coordinator.tls.keyFile', path: keyFile },
    { key: 'coordinator.tls.clientCaFile', path: clientCaFile }
  ]
  return new FollowedFiles(files, ([cert, key, clientCa]) => ({ cert: cert!, key: key!, clientCa }), clock)
}

/** What is asked without credentials: an orchestrator has none. */
const open: ReadonlySet<string> = new Set(['/livez', '/readyz'])
const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest()

/**
 * Ask every request for what the configuration says: a token, a certificate, both, or nothing.
 *
 * @returns guards the routes of a server that are made from then on.
 * @throws ConfigError if the file of the token cannot be read, or holds none.
 */
export function guardOf({ address, tokenFile, tls }: Settings, clock: Clock): (server: HttpServer) => void {
  const file = { key: 'coordinator.tokenFile', path: tokenFile }
  const token = new FollowedFiles([file], ([octets]) => octets && digestOf(tokenOf(file, octets)), clock)
  const isCertificateAsked = tls !== null && tls.clientCaFile !== null
  const refuse = refuseCrossSite(address)
  const admit = (raw: IncomingMessage): void => {
    if (tokenFile === null && !isCertificateAsked) refuse(raw.headers)
    if (isCertificateAsked && !(raw.socket as TLSSocket).authorized) {
      const detail = 'This asks for a client certificate that coordinator.tls.clientCaFile has signed.'
      throw new HttpProblem(401, 'CERTIFICATE_MISSING', detail)
    }
    const wanted = token.current
    if (wanted === undefined) return
    const [, given] = /^bearer +([^ ]+) *$/i.exec(raw.headers.authorization ?? '') ?? []
    if (given !== undefined && timingSafeEqual(digestOf(given), wanted)) return
    const what = given === undefined ? 'This asks for a token' : 'This token is not the right one'
    const detail = `${what}: Authorization: Bearer …, with what is in coordinator.tokenFile.`
    const headers = { 'www-authenticate': 'Bearer realm="weir"' }
    throw new HttpProblem(401, given === undefined ? 'TOKEN_MISSING' : 'TOKEN_WRONG', detail, undefined, headers)
  }
  return server => {
    server.addHook('onRequest', async request => {
      if (request.is404 || !open.has(request.routeOptions.url ?? '')) admit(request.raw)
    })
  }
}
