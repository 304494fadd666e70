import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Child } from './child.ts'
import { toolPath } from './debian-tools.ts'
import { projectFolder } from './weir-command.ts'

/** Write the pcap that fixture exporters meter; the same octets at every run. @returns its path. */
export async function writeTraffic(folder: string): Promise<string> {
  const path = join(folder, 'traffic.pcap')
  const child = new Child('traffic.ts', process.execPath, [join(projectFolder, 'test/fixtures/traffic.ts'), path])
  const { code } = await child.waitForEnd()
  if (code !== 0) throw new Error(child.said)
  return path
}

/** Let softflowd meter a pcap and export it; resolves when it has sent everything and ended. */
export async function runSoftflowd(folder: string, pcap: string, port: number, args: readonly string[]): Promise<void> {
  const cwd = mkdtempSync(join(folder, 'softflowd-'))
  const own = ['-d', '-c', './sf.ctl', '-p', './sf.pid', '-n', `127.0.0.1:${port}`]
  await runToEnd(new Child('softflowd', toolPath('softflowd'), ['-r', pcap, ...args, ...own], { cwd }), [0])
}

/** Let pmacctd's nfprobe meter a pcap and export it. */
export async function runPmacctd(folder: string, pcap: string, port: number, version: 9 | 10): Promise<void> {
  const cwd = mkdtempSync(join(folder, 'pmacctd-'))
  mkdirSync(cwd, { recursive: true })
  const config = join(cwd, 'pmacctd.conf')
  const lines = [
    'daemonize: false',
    `pcap_savefile: ${pcap}`,
    'aggregate: src_host,dst_host,src_port,dst_port,proto,tos',
    'plugins: nfprobe',
    `nfprobe_version: ${version}`,
    `nfprobe_receiver: 127.0.0.1:${port}`,
    'nfprobe_timeouts: tcp=2:maxlife=60:expint=1'
  ]
  writeFileSync(config, `${lines.join('\n')}\n`)
  // 1 if its plugin was the first to end: it has exported everything by then.
  await runToEnd(new Child('pmacctd', toolPath('pmacctd'), ['-f', config], { cwd }), [0, 1])
}

async function runToEnd(child: Child, codes: readonly number[]): Promise<void> {
  const { code } = await child.waitForEnd(30_000)
  if (code === null || !codes.includes(code)) throw new Error(`${child.name} ended with ${code}\n${child.said}`)
}
