import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { parse } from 'yaml'
import { captureCases, capturesAreAbsent, messagesOf, textOf } from './capture-cases.ts'
import { decodedMessagesOf } from './decoded-case.ts'
import explained from './golden-netflow-parser-differences.json' with { type: 'json' }
import { isSamePacket, packetDifferences, tally } from './golden-netflow-parser.ts'
import type { CaptureCase } from './capture-cases.ts'
import type { GoldenPacket } from './golden-netflow-parser.ts'

/** A snapshot behind its front matter: packets, or the octets of one. */
function snapshotOf(path: string): readonly (Readonly<Record<string, GoldenPacket>> | number)[] {
  const [, , body] = textOf(path).split(/^---\n/m)
  return parse(body) as readonly (Readonly<Record<string, GoldenPacket>> | number)[]
}

function differencesOf(case_: CaptureCase, packets: readonly GoldenPacket[]): string[] {
  const differences: string[] = []
  const messages = [...decodedMessagesOf(case_)]
  let from = 0
  for (const [number, packet] of packets.entries()) {
    const found = messages.findIndex((message, index) => index >= from && isSamePacket(packet, message))
    if (found < 0) {
      differences.push(`${number + 1}: no such packet`)
      continue
    }
    from = found + 1
    for (const difference of packetDifferences(packet, messages[found]))
      differences.push(`${number + 1}: ${difference}`)
  }
  return differences
}

describe('golden values of netflow_parser', { skip: capturesAreAbsent }, () => {
  for (const case_ of captureCases) {
    const path = case_.golden.find(file => file.endsWith('.snap'))
    if (path === undefined) continue
    test(`${case_.name} has every value that the snapshot has`, () => {
      const snapshot = snapshotOf(path)
      if (typeof snapshot[0] === 'number') {
        const octets = [...messagesOf(case_)].flatMap(message => [...message.octets])
        assert.deepEqual(octets, snapshot)
        return
      }
      const packets = snapshot.map(packet => Object.values(packet as Readonly<Record<string, GoldenPacket>>)[0])
      const known = explained.find(difference => difference.case === case_.name)?.differences ?? []
      assert.deepEqual(differencesOf(case_, packets), known)
    })
  }

  after(() => {
    if (capturesAreAbsent === false) process.stderr.write(`netflow_parser: ${tally.values} values compared\n`)
  })
})
