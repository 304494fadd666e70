import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { UnavailableError } from '@weir/runtime'

const captures = fileURLToPath(new URL('../../../../test/fixtures/captures/', import.meta.url))

/** The project's own captures of real exporters, those over UDP that are whole. @throws UnavailableError outside a checkout. */
export function demoCaptures(): string[] {
  try {
    const names = readdirSync(captures).filter(name => name.endsWith('.pcap') && !/tcp|lossy/.test(name))
    if (names.length > 0) return names.toSorted().map(name => `${captures}${name}`)
  } catch {
    // Said below.
  }
  throw new UnavailableError(
    'NO_CAPTURES',
    `the demo replays the captures in ${captures}, and there are none; run it in a checkout`
  )
}
