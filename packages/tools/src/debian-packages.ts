import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

/** A Debian package and a program of it that tests call. */
interface DebianPackage {
  readonly name: string
  readonly program: string
}

const wanted: readonly DebianPackage[] = [
  { name: 'nfdump', program: 'nfcapd' },
  { name: 'softflowd', program: 'softflowd' },
  { name: 'pmacct', program: 'pmacctd' },
  { name: 'tshark', program: 'tshark' },
  { name: 'libfixbuf-tools', program: 'ipfixDump' },
  { name: 'openvswitch-switch', program: 'ovs-vswitchd' },
  { name: 'redis-server', program: 'redis-server' },
  { name: 'nats-server', program: 'nats-server' },
  { name: 'haproxy', program: 'haproxy' }
]

const folders = [
  '/usr/local/sbin',
  '/usr/local/bin',
  '/usr/sbin',
  '/usr/bin',
  '/sbin',
  '/bin',
  ...(process.env.PATH ?? '').split(':')
]
const isThere = (program: string): boolean => folders.some(folder => existsSync(`${folder}/${program}`))
const missing = (): DebianPackage[] => wanted.filter(({ program }) => !isThere(program))

/**
 * Install the exporters, collectors and servers that the live tests use, where that is possible. Where it is not, the tests that need one
 * of them are skipped and say so.
 */
export function ensureDebianPackages(): void {
  const absent = missing()
  if (absent.length === 0) return
  const names = absent.map(({ name }) => name)
  const mayInstall = process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')
  if (!mayInstall) {
    process.stdout.write(
      `not installed: ${names.join(', ')}; the tests that need them are skipped (apt-get install ${names.join(' ')})\n`
    )
    return
  }
  process.stdout.write(`installing Debian packages: ${names.join(', ')} …\n`)
  const environment = {
    ...process.env,
    DEBIAN_FRONTEND: 'noninteractive',
    PATH: `/usr/sbin:/usr/bin:/sbin:/bin:${process.env.PATH ?? ''}`
  }
  const isLoud = process.env.CI === 'true'
  const aptGet = (...args: string[]): boolean =>
    spawnSync('apt-get', ['-q', '-y', ...args], {
      env: environment,
      stdio: isLoud ? 'inherit' : 'ignore',
      timeout: 300_000
    }).status === 0
  const install = (): boolean => aptGet('install', '--no-install-recommends', ...names)
  if (!install()) {
    aptGet('update')
    install()
  }
  const still = missing().map(({ name }) => name)
  if (still.length > 0)
    process.stdout.write(`could not be installed: ${still.join(', ')}; the tests that need them are skipped\n`)
}
