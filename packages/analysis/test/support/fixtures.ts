import { readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { inputOf } from './captures.ts'
import type { TaskInput } from '../../src/index.ts'

const folder = resolve(import.meta.dirname, '../../../../test/fixtures/captures')

/** The project's own captures. */
export const fixtureInputs = (): TaskInput[] =>
  readdirSync(folder)
    .filter(name => name.endsWith('.pcap'))
    .toSorted()
    .map(name => inputOf(join(folder, name)))
