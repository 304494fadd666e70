/**
 * Why octets were rejected, or what was odd about them. Each code is a metric label value and names a test.
 * What a code costs stands in {@link faultEffectOf} and {@link reasonOf}.
 */
export const faults = {
  // The whole Message is discarded.
  BAD_VERSION: 'Version is none of 10 (IPFIX), 9, 7, 5, 1 (RFC 7011 §3.1, RFC 3954 §5.1)',
  MESSAGE_SHORT: 'fewer octets than a Message header has (RFC 7011 §3.1)',
  MESSAGE_LENGTH: 'Length is less than the 16-octet header or more than the octets that arrived (RFC 7011 §3.1)',
  OVERSIZE: 'datagram is longer than a Message may be (RFC 7011 §10.1)',
  RECORD_COUNT: 'record count of a fixed version is out of range or does not fit the datagram (NetFlow v1, v5, v7)',
  SET_SHORT: 'Set Length is less than its 4-octet header (RFC 7011 §3.3.2)',
  SET_CUT: 'one to three octets are left where a Set header should be (RFC 7011 §3.3.2)',
  SET_OVERRUN: 'Set Length runs past the end of its Message (RFC 7011 §3.3.2)',
  TEMPLATE_CUT: 'the Set ends inside the header of a Template Record (RFC 7011 §3.4.1)',
  TEMPLATE_COUNT: 'Field Count needs more octets than the Set has (RFC 7011 §3.4.1)',
  TEMPLATE_ID: 'a Template Record defines an id below 256 (RFC 7011 §3.4.1)',
  SCOPE_COUNT_ZERO: 'Scope Field Count is 0 (RFC 7011 §3.4.2.2)',
  SCOPE_COUNT_HIGH: 'Scope Field Count is more than the Field Count (RFC 7011 §3.4.2.2)',
  SCOPE_LENGTH: 'Option Scope Length or Option Length is not a multiple of 4 (RFC 3954 §6.1)',
  VARLEN_OVERRUN: 'a variable-length value runs past the end of its Set (RFC 7011 §7, §9.1)',
  VALUE_BUDGET: 'the Message holds more values than the limit allows (L-20)',
  DOMAIN_LIMIT: 'the Transport Session has as many Observation Domains as the limit allows (L-04)',
  STRICT_REPETITION: 'strict: a Template was sent again within a TCP session (RFC 5471 §3.6.8.2)',
  STRICT_REDEFINITION: 'strict: a Template was changed without withdrawal within a TCP session (RFC 5471 §3.6.8.2)',
  STRICT_WITHDRAWAL: 'strict: a Template was withdrawn that is not known (RFC 5471 §3.2.5)',
  // One Template Record is ignored; an earlier definition of its id stays.
  RECORD_EMPTY: 'Template describes records of zero octets',
  RECORD_TOO_LONG: 'Template describes records that fit no Message (RFC 7011 §3.1)',
  ILLEGAL_LENGTH: 'Template gives an Information Element a length its type does not allow (RFC 7011 §6.1, §6.2)',
  V9_VARIABLE: 'NetFlow v9 Template has a field of 65535 octets: there is no variable length (RFC 3954 §5.2)',
  FIELD_LIMIT: 'Template has more fields, or the session more octets of Templates, than the limit allows (L-13)',
  TEMPLATE_LIMIT: 'as many Templates are live as the limit allows, and none is idle (L-10, L-11, L-12)',
  // One Set is skipped.
  RESERVED_SET: 'Set ID is reserved or not used: the Set is skipped (RFC 7011 §3.3.2)',
  REJECTED_TEMPLATE: 'the Template of this Data Set was rejected (RFC 7011 §9)',
  // Nothing is lost: noted.
  EMPTY_SET: 'Set holds no record (RFC 7011 §3.3.1)',
  NONZERO_PADDING: 'padding octets are not zero (RFC 7011 §3.3.1)',
  TRAILING_OCTETS: 'octets follow the end of the Message in its datagram (RFC 7011 §3.1)',
  ELEMENT_ZERO: 'Template has an Information Element with the reserved id 0 (RFC 7012 §4)',
  COUNT_MISMATCH: 'NetFlow v9 Count is not the number of records in the packet (RFC 3954 §5.1)',
  WITHDRAW_UNKNOWN: 'withdrawal of a Template that is not known: ignored (RFC 7011 §8.1)',
  WITHDRAW_MISMATCH:
    'withdrawal of an Options Template by Set ID 2, or of a Template by Set ID 3: ignored (RFC 7011 §8.1)',
  WITHDRAW_UDP: 'withdrawal over UDP: ignored (RFC 7011 §8.4)',
  DATA_MISFIT:
    'a Data Set does not fit its Template: it waits, and later ones of its id, until the Template is announced again (D15)',
  TEMPLATE_LATE: 'a Template came later than what the exporter has said since: ignored (RFC 7011 §8.2)',
  STALE_TEMPLATE: 'a Template from a store or from before a restart did not fit its data and was dropped (D15)'
} as const satisfies Record<string, string>

/** Code of a wire fault; {@link faults} has its sentence. */
export type FaultCode = keyof typeof faults

/** Every reason for which the ledger counts a loss. A closed list: a metric label value. */
export const dropReasons = [
  'bad_version',
  'short_datagram',
  'message_length',
  'set_length',
  'template_malformed',
  'template_rejected',
  'data_malformed',
  'list_malformed',
  'unknown_template',
  'pending_evicted',
  'pending_expired',
  'template_limit',
  'session_limit',
  'not_allowed',
  'rate_limited',
  'penalty',
  'oversize',
  'timeout_header',
  'timeout_partial',
  'value_budget',
  'overload_soft',
  'overload_hard',
  'queue_oldest',
  'queue_newest',
  'spool_full',
  'spool_corrupt',
  'spool_expired',
  'spool_io',
  'encode_too_big',
  'encode_error',
  'loop',
  'late',
  'state_lost',
  'shutdown',
  'drained',
  'internal_error'
] as const

/** Why something was dropped; the ledger's label. */
export type DropReason = (typeof dropReasons)[number]

/** What one fault costs: the Message, one Template Record, one Set, or nothing (it is only noted). */
export type FaultEffect = 'message' | 'template' | 'set' | 'nothing'

const effects: { readonly [code in FaultCode]: readonly [effect: FaultEffect, reason?: DropReason] } = {
  BAD_VERSION: ['message', 'bad_version'],
  MESSAGE_SHORT: ['message', 'short_datagram'],
  MESSAGE_LENGTH: ['message', 'message_length'],
  OVERSIZE: ['message', 'oversize'],
  RECORD_COUNT: ['message', 'message_length'],
  SET_SHORT: ['message', 'set_length'],
  SET_CUT: ['message', 'set_length'],
  SET_OVERRUN: ['message', 'set_length'],
  TEMPLATE_CUT: ['message', 'template_malformed'],
  TEMPLATE_COUNT: ['message', 'template_malformed'],
  TEMPLATE_ID: ['message', 'template_malformed'],
  SCOPE_COUNT_ZERO: ['message', 'template_malformed'],
  SCOPE_COUNT_HIGH: ['message', 'template_malformed'],
  SCOPE_LENGTH: ['message', 'template_malformed'],
  VARLEN_OVERRUN: ['message', 'data_malformed'],
  VALUE_BUDGET: ['message', 'value_budget'],
  DOMAIN_LIMIT: ['message', 'session_limit'],
  STRICT_REPETITION: ['message', 'template_malformed'],
  STRICT_REDEFINITION: ['message', 'template_malformed'],
  STRICT_WITHDRAWAL: ['message', 'template_malformed'],
  RECORD_EMPTY: ['template', 'template_rejected'],
  RECORD_TOO_LONG: ['template', 'template_rejected'],
  ILLEGAL_LENGTH: ['template', 'template_rejected'],
  V9_VARIABLE: ['template', 'template_rejected'],
  FIELD_LIMIT: ['template', 'template_rejected'],
  TEMPLATE_LIMIT: ['template', 'template_limit'],
  RESERVED_SET: ['set'],
  REJECTED_TEMPLATE: ['set', 'template_rejected'],
  EMPTY_SET: ['nothing'],
  NONZERO_PADDING: ['nothing'],
  TRAILING_OCTETS: ['nothing'],
  ELEMENT_ZERO: ['nothing'],
  COUNT_MISMATCH: ['nothing'],
  WITHDRAW_UNKNOWN: ['nothing'],
  WITHDRAW_MISMATCH: ['nothing'],
  WITHDRAW_UDP: ['nothing'],
  DATA_MISFIT: ['nothing'],
  TEMPLATE_LATE: ['nothing'],
  STALE_TEMPLATE: ['nothing']
}

/** What one fault of this code costs. The decoder returns the code of a fault that costs the whole Message. */
export function faultEffectOf(code: FaultCode): FaultEffect {
  return effects[code][0]
}

/**
 * The ledger's reason for what a fault costs; its unit is {@link faultEffectOf}.
 *
 * @returns undefined if nothing is counted as dropped: the fault is noted only, or (RESERVED_SET) the Set was not ours.
 */
export function reasonOf(code: FaultCode): DropReason | undefined {
  return effects[code][1]
}
