import { readFileSync, writeFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { CertificateAuthority } from '../../../../test/support/certificates.ts'
import { tempFolder } from '../../../../test/support/temp-folder.ts'

interface Endpoint {
  readonly address: string
  readonly conditions?: object
}

/** The part of the API server of Kubernetes that a front asks, over HTTPS with a token: EndpointSlices and the scale of a StatefulSet. */
export class FakeKubernetes {
  url = ''
  readonly authority = new CertificateAuthority()
  readonly tokenFile = join(tempFolder('fake-kubernetes'), 'token')
  /** Requests, as METHOD PATH. */
  readonly asked: string[] = []
  /** Answered to everything, with a Status. */
  refusal: { readonly status: number; readonly message: string } | undefined
  /** Items of a page of a list at most. */
  page = 500
  replicas = 3
  token = 'first'
  #version = 100
  /** Changes before this one are forgotten. */
  #oldest = 0
  #changes: { readonly version: number; readonly line: string }[] = []
  readonly #slices = new Map<string, object>()
  readonly #watches = new Set<ServerResponse>()

  async start(t: TestContext): Promise<this> {
    const { certFile, keyFile } = this.authority.issue('127.0.0.1')
    const options = { cert: readFileSync(certFile), key: readFileSync(keyFile) }
    const server = createServer(options, (request, response) => void this.#serve(request, response))
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    this.url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
    this.exchangeToken('first')
    t.after(() => {
      server.closeAllConnections()
      server.close()
    })
    return this
  }

  get watches(): number {
    return this.#watches.size
  }

  exchangeToken(token: string): void {
    this.token = token
    writeFileSync(this.tokenFile, `${token}\n`)
  }

  setSlice(name: string, endpoints: readonly Endpoint[]): void {
    const type = this.#slices.has(name) ? 'MODIFIED' : 'ADDED'
    const metadata = { name, resourceVersion: String(++this.#version) }
    const of = endpoints.map(({ address, conditions }) => ({ addresses: [address], conditions: conditions ?? {} }))
    const slice = { metadata, addressType: 'IPv4', endpoints: of, ports: null }
    this.#slices.set(name, slice)
    this.#tell({ type, object: slice })
  }

  deleteSlice(name: string): void {
    const slice = this.#slices.get(name)
    this.#slices.delete(name)
    this.#tell({ type: 'DELETED', object: { ...slice, metadata: { name, resourceVersion: String(++this.#version) } } })
  }

  bookmark(): void {
    this.#tell({ type: 'BOOKMARK', object: { metadata: { resourceVersion: String(++this.#version) } } })
  }

  /** Tell those who watch something else. */
  say(line: string): void {
    for (const watch of this.#watches) watch.write(`${line}\n`)
  }

  /** End all watches; with `isForgotten` nobody can go on from where it was. */
  endWatches(isForgotten = false): void {
    if (isForgotten) this.#oldest = ++this.#version
    for (const watch of this.#watches) watch.end()
    this.#watches.clear()
  }

  /** All connections break off. */
  breakWatches(): void {
    for (const watch of this.#watches) watch.destroy()
    this.#watches.clear()
  }

  #tell(change: object): void {
    const line = `${JSON.stringify(change)}\n`
    this.#changes.push({ version: this.#version, line })
    for (const watch of this.#watches) watch.write(line)
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.asked.push(`${request.method} ${request.url}`)
    const { pathname, searchParams } = new URL(request.url!, this.url)
    const answer = (status: number, body: object): void => {
      response.statusCode = status
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify(body))
    }
    const refuse = (status: number, message: string): void => answer(status, { kind: 'Status', code: status, message })
    if (request.headers.authorization !== `Bearer ${this.token}`) return refuse(401, 'Unauthorized')
    if (this.refusal !== undefined) return refuse(this.refusal.status, this.refusal.message)
    if (pathname === '/apis/apps/v1/namespaces/net/statefulsets/weir/scale') return this.#scale(request, answer, refuse)
    const isSlices = pathname === '/apis/discovery.k8s.io/v1/namespaces/net/endpointslices'
    if (!isSlices || searchParams.get('labelSelector') !== 'kubernetes.io/service-name=weir-headless') {
      return refuse(404, `${pathname} not found`)
    }
    if (searchParams.get('watch') === '1') return this.#watch(Number(searchParams.get('resourceVersion')), response)
    const all = [...this.#slices.values()]
    const start = Number(searchParams.get('continue') ?? 0)
    const end = start + Math.min(this.page, Number(searchParams.get('limit')))
    const more = end < all.length ? { continue: String(end) } : {}
    answer(200, { metadata: { resourceVersion: String(this.#version), ...more }, items: all.slice(start, end) })
  }

  #watch(version: number, response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'application/json' })
    if (version < this.#oldest) {
      const object = { kind: 'Status', code: 410, message: 'too old resource version' }
      return void response.end(`${JSON.stringify({ type: 'ERROR', object })}\n`)
    }
    response.flushHeaders()
    for (const change of this.#changes) if (change.version > version) response.write(change.line)
    this.#watches.add(response)
    response.once('close', () => this.#watches.delete(response))
  }

  async #scale(
    request: IncomingMessage,
    answer: (status: number, body: object) => void,
    refuse: (status: number, message: string) => void
  ): Promise<void> {
    if (request.method === 'PUT') {
      const parts: Buffer[] = []
      for await (const part of request as AsyncIterable<Buffer>) parts.push(part)
      const body = JSON.parse(Buffer.concat(parts).toString('utf8')) as {
        kind: string
        metadata: { resourceVersion: string }
        spec: { replicas: number }
      }
      if (body.kind !== 'Scale') return refuse(400, 'no Scale')
      if (body.metadata.resourceVersion !== String(this.#version)) return refuse(409, 'the object has been modified')
      this.#version++
      this.replicas = body.spec.replicas
    }
    const metadata = { name: 'weir', namespace: 'net', resourceVersion: String(this.#version) }
    answer(200, { kind: 'Scale', metadata, spec: { replicas: this.replicas }, status: { replicas: 3 } })
  }
}
