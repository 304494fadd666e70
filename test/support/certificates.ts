import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { toolPath } from './debian-tools.ts'
import { tempFolder } from './temp-folder.ts'

/** Files of PEM. */
export interface Certificate {
  readonly certFile: string
  readonly keyFile: string
}

/** An authority of certificates for one test: P-256 keys, a day's validity. */
export class CertificateAuthority {
  readonly caFile: string
  readonly #folder = tempFolder('certificates')
  #certificates = 0

  constructor() {
    this.caFile = join(this.#folder, 'ca.pem')
    openssl('req', '-x509', ...newKey(this.#keyFile('ca')), '-out', this.caFile, '-subj', '/CN=Weir test', '-days', '1')
  }

  get caPem(): string {
    return readFileSync(this.caFile, 'utf8')
  }

  /** @param name - host name or IPv4 address that the certificate bears. */
  issue(name: string): Certificate {
    const base = `c${++this.#certificates}`
    const certFile = join(this.#folder, `${base}.pem`)
    const requestFile = join(this.#folder, `${base}.csr`)
    const extensionFile = join(this.#folder, `${base}.ext`)
    const kind = /^[\d.]+$/.test(name) ? 'IP' : 'DNS'
    writeFileSync(extensionFile, `subjectAltName=${kind}:${name}\nextendedKeyUsage=serverAuth,clientAuth\n`)
    openssl('req', ...newKey(this.#keyFile(base)), '-out', requestFile, '-subj', `/CN=${name}`)
    const authority = ['-CA', this.caFile, '-CAkey', this.#keyFile('ca'), '-CAcreateserial']
    openssl('x509', '-req', '-in', requestFile, ...authority, '-out', certFile, '-days', '1', '-extfile', extensionFile)
    return { certFile, keyFile: this.#keyFile(base) }
  }

  #keyFile(name: string): string {
    return join(this.#folder, `${name}.key`)
  }
}

const newKey = (keyFile: string): string[] => [
  '-newkey',
  'ec',
  '-pkeyopt',
  'ec_paramgen_curve:prime256v1',
  '-nodes',
  '-keyout',
  keyFile
]

function openssl(...args: readonly string[]): void {
  execFileSync(toolPath('openssl'), args, { stdio: ['ignore', 'ignore', 'pipe'] })
}
