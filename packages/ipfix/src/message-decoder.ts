import type { FaultCode } from './faults.ts'
import type { LayoutTable } from './layout.ts'
import type { ProtocolLimits } from './limits.ts'
import type { MessageVisitor } from './message-visitor.ts'
import type { ElementRegistry } from './registry.ts'
import type { TemplateTable, Transport } from './template-table.ts'

/** Where the decoder finds the templates of one Transport Session. Kept by the owner of the session. */
export interface TemplateScope {
  /**
   * The table of one Observation Domain, made at first call.
   *
   * Asked once for every Message whose header is right, whatever its version (1, 5 and 7 have no templates: there it only
   * asks whether the domain may exist).
   *
   * @returns undefined if the session may have no further domain (L-04): the Message is discarded with DOMAIN_LIMIT.
   */
  domain(odid: number, version: number): TemplateTable | undefined
}

/** What a {@link MessageDecoder} is made with. */
export interface MessageDecoderOptions {
  /** Makes the Layouts; the same table as the {@link TemplateTable}s have. */
  readonly layouts: LayoutTable
  /** Types of the elements, for lengths that a type does not allow (RFC 7011 §6.2). */
  readonly registry: ElementRegistry
  readonly limits?: ProtocolLimits
  /** RFC 5471's answers where RFC 7011 is milder (D2, D3, D4): over TCP these discard the Message. */
  readonly isStrict?: boolean
  /** PEN of NetFlow v9 field types from 32768 on; their id is the type less 32768 (default 9). */
  readonly v9EnterpriseNumber?: number
}

/** Decodes Messages of all versions. One for a process: it keeps scratch space, and nothing of a session. */
export class MessageDecoder {
  constructor(_options: MessageDecoderOptions) {}

  /**
   * Decode exactly one Message (a datagram, or what a {@link MessageFramer} or a file reader cut out).
   *
   * @param octets - aliased during the call; nothing of it is kept.
   * @param view - over the same octets as `octets`, so that both have the same offsets.
   * @param offset - where the Message begins.
   * @param length - octets of the datagram, or of the Message.
   * @param nowMs - for the lifetime of templates; any clock that does not step.
   * @returns the fault for which the whole Message was discarded; it has been told to `visitor.onFault` already.
   */
  decode(
    _octets: Uint8Array, _view: DataView, _offset: number, _length: number,
    _transport: Transport, _scope: TemplateScope, _nowMs: number, _visitor: MessageVisitor
  ): FaultCode | undefined {
    return 'BAD_VERSION'
  }
}
