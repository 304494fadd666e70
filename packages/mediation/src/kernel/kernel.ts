import type { ElementRegistry, ListLimits } from '@weir/ipfix'
import { expandFloat, expandSigned, expandUnsigned, readSigned } from './integer.ts'
import { filterKernel } from './filter-kernel.ts'
import { FlowKeyWriter } from './flow-keys.ts'
import { ListCopier, kernelCounts } from './list-octets.ts'
import type { KernelCounts } from './list-octets.ts'
import { ListTextWriter } from './list-text.ts'
import { copyOctets, writeAddress16 } from './octets.ts'
import { writeExactSampling, writeInterfaceSampling, writeSampling } from './sampling.ts'
import { writeBoolean, writeExporter, writeHex, writeIPv4, writeIPv6, writeMac } from './text-address.ts'
import {
  writeFloat,
  writeSigned,
  writeSigned64Text,
  writeUnsigned,
  writeUnsigned256,
  writeUnsigned64Text
} from './text-number.ts'
import { writeString } from './text-string.ts'
import {
  writeMicrosecondsText,
  writeMillisecondsText,
  writeNanosecondsText,
  writeReceivedAt,
  writeSecondsText
} from './text-time.ts'
import {
  readDelta,
  readMicroseconds,
  readMilliseconds,
  readNanoseconds,
  readSeconds,
  readUptime,
  writeMicroseconds,
  writeMilliseconds,
  writeNanoseconds
} from './time.ts'

/**
 * The functions that Programs are made of, compiled or interpreted: one arithmetic for both. Their names are the closed
 * list of what generated code may call.
 *
 * @param counts - counted up as records pass.
 * @param limits - of each list value (L-23).
 */
export function createKernel(registry: ElementRegistry, counts: KernelCounts = kernelCounts(), limits?: ListLimits) {
  const flowKeys = new FlowKeyWriter(registry)
  const lists = new ListCopier(registry, counts, limits)
  const listTexts = new ListTextWriter(registry, counts, limits)
  return {
    /** Where a computed value stands before it becomes text. */
    scratch: new DataView(new ArrayBuffer(8)),
    ...filterKernel,
    copyFixedList: lists.copyFixed.bind(lists),
    copyOctets,
    copyVariableList: lists.copyVariable.bind(lists),
    expandFloat,
    expandSigned,
    expandUnsigned,
    readDelta,
    readMicroseconds,
    readMilliseconds,
    readNanoseconds,
    readSeconds,
    readSigned,
    readUptime,
    writeAddress16,
    writeBoolean,
    writeExactSampling,
    writeExporter,
    writeFlowKeys: flowKeys.write.bind(flowKeys),
    writeFloat,
    writeHex,
    writeIPv4,
    writeIPv6,
    writeInterfaceSampling,
    writeListText: listTexts.write.bind(listTexts),
    writeMac,
    writeMicroseconds,
    writeMicrosecondsText,
    writeMilliseconds,
    writeMillisecondsText,
    writeNanoseconds,
    writeNanosecondsText,
    writeReceivedAt,
    writeSampling,
    writeSecondsText,
    writeSigned,
    writeSigned64Text,
    writeString,
    writeUnsigned,
    writeUnsigned256,
    writeUnsigned64Text
  } as const
}

export type Kernel = ReturnType<typeof createKernel>
export type KernelName = keyof Kernel
