import { readFileSync } from 'node:fs'
import { arch, availableParallelism, cpus, freemem, loadavg, release, totalmem, type, uptime, version } from 'node:os'

/** Settings of the kernel that a collector of datagrams lives by. */
const sysctls = [
  'net/core/rmem_default',
  'net/core/rmem_max',
  'net/core/wmem_default',
  'net/core/wmem_max',
  'net/core/netdev_max_backlog',
  'net/core/somaxconn',
  'net/ipv4/udp_mem',
  'net/ipv4/udp_rmem_min',
  'net/ipv4/tcp_rmem',
  'net/ipv4/tcp_wmem',
  'net/ipv4/ip_local_port_range',
  'kernel/pid_max',
  'fs/file-max'
]

const cgroupFiles = ['memory.max', 'memory.current', 'memory.events', 'cpu.max', 'cpu.stat', 'pids.max']

/** What is to be known of the machine, as plain data; what cannot be read is null. */
export function osFacts() {
  return {
    kernel: { type: type(), release: release(), version: version(), arch: arch() },
    node: { version: process.version, versions: process.versions },
    cpus: { model: cpus()[0]?.model ?? null, count: cpus().length, usable: availableParallelism(), load: loadavg() },
    memory: { totalOctets: totalmem(), freeOctets: freemem(), process: process.memoryUsage() },
    uptimeSec: { machine: uptime(), process: process.uptime() },
    sysctl: Object.fromEntries(sysctls.map(name => [name.replaceAll('/', '.'), textOf(`/proc/sys/${name}`)])),
    limits: textOf('/proc/self/limits')?.split('\n') ?? null,
    cgroup: Object.fromEntries(cgroupFiles.map(name => [name, textOf(`/sys/fs/cgroup/${name}`)])),
    udp:
      textOf('/proc/net/snmp')
        ?.split('\n')
        .filter(line => line.startsWith('Udp')) ?? null
  }
}

function textOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return null
  }
}
