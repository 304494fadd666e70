import { Child } from './child.ts'
import { toolPath } from './debian-tools.ts'

/** What tshark finds in the flow export of a capture. */
export interface TsharkFindings {
  /** Messages by version. */
  readonly messages: number
  /** Records of Data and Options Data Sets. */
  readonly records: number
  readonly templates: number
  readonly optionsTemplates: number
  /** Lines in which it complains of what it cannot read, or of data without a template; and gaps of the sequence numbers. */
  readonly complaints: readonly string[]
}

const complaint = /Malformed|no template found|Exception occurred|\[Expert Info \(Error/i

/**
 * Let tshark decode a capture of flow export.
 *
 * @param ports - where the Messages went to.
 */
export async function readByTshark(
  path: string,
  transport: 'udp' | 'tcp',
  ports: readonly number[]
): Promise<TsharkFindings> {
  const decodeAs = ports.flatMap(port => ['-d', `${transport}.port==${port},cflow`])
  // Templates of any length; and what packet sections carry is not looked into, for it is cut there.
  const options = [
    '-o',
    'cflow.max_template_fields:0',
    '--disable-protocol',
    transport === 'udp' ? 'tcp' : 'udp',
    '--disable-protocol',
    'dns'
  ]
  const child = new Child('tshark', toolPath('tshark'), [
    '-n',
    '-r',
    path,
    ...decodeAs,
    ...options,
    '-Y',
    'cflow',
    '-V'
  ])
  const { code } = await child.waitForEnd(60_000)
  if (code !== 0) throw new Error(`tshark ended with ${code}\n${child.said}`)
  return findingsOf(child.stdout)
}

/**
 * tshark's own check of sequence numbers goes astray where it gives up a packet within a record; so they are checked here,
 * by its count of records. All Messages are of one Observation Domain; 0 begins a session.
 */
function findingsOf(text: string): TsharkFindings {
  const findings = { messages: 0, records: 0, templates: 0, optionsTemplates: 0, complaints: [] as string[] }
  let expected = 0
  for (const line of text.split('\n')) {
    if (line.startsWith('Cisco NetFlow/IPFIX')) findings.messages++
    else if (/^ {8}Template \(Id/.test(line)) findings.templates++
    else if (/^ {8}Options Template \(Id/.test(line)) findings.optionsTemplates++
    else if (/^ {8}Flow \d+/.test(line)) {
      findings.records++
      expected++
    }
    const sequence = /^ {4}FlowSequence: (\d+)/.exec(line)?.[1]
    if (sequence !== undefined) {
      if (sequence !== '0' && Number(sequence) !== expected)
        findings.complaints.push(`sequence ${sequence}, not ${expected}`)
      expected = Number(sequence)
    }
    if (complaint.test(line)) findings.complaints.push(line.trim())
  }
  return findings
}
