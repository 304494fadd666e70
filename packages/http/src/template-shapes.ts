import { count, oneOf, orNull, timeMs } from './schema-parts.ts'
import Type from 'typebox'

const FieldSpecifier = {
  pen: Type.Integer({ description: 'Private Enterprise Number; 0 for IANA elements.' }),
  id: Type.Integer(),
  length: Type.Integer({ description: 'Octets; 65535 = variable.' }),
  name: orNull(Type.String()),
  type: orNull(Type.String({ description: 'Abstract data type (RFC 7012 §3.1).' })),
  isScope: Type.Boolean({ description: 'One of the leading scope fields of an Options Template.' })
}

const DecodedField = Type.Object({
  ...FieldSpecifier,
  semantics: orNull(Type.String({ description: 'Of the data type (RFC 7012 §3.2).' })),
  units: orNull(Type.String())
})

const kind = Type.String({ description: 'template or options.' })
const scopeCount = Type.Integer({ description: 'Leading fields that are scope; 0 for a (Data) Template.' })
const hash = Type.String({ description: 'Equal for equal definitions, in every pod and run.' })
const recordLength = orNull(
  Type.Integer({ description: 'Octets of a record, null where a field is of variable length.' })
)
const minRecordLength = count('Fewest octets of a record.')

export const Template = Type.Object({
  key: Type.String({ description: 'Its name: `GET /v1/templates/{key}`.' }),
  exporter: Type.String(),
  exporterPort: Type.Integer({ description: '0 where the scope has none.' }),
  transport: Type.String(),
  version: Type.Integer({ description: '9 or 10 (IPFIX).' }),
  listener: Type.String(),
  collectorAddress: Type.String(),
  collectorPort: Type.Integer(),
  scope: Type.String({ description: 'Scope key: whose templates these are.' }),
  odid: Type.Integer({ description: 'Observation Domain (v9: Source ID).' }),
  templateId: Type.Integer(),
  kind,
  scopeCount,
  fields: Type.Array(Type.Object(FieldSpecifier)),
  firstSeenAtMs: timeMs('First announcement'),
  lastSeenAtMs: timeMs('Last announcement'),
  expiresAtMs: orNull(timeMs('End of its lifetime, unless it is announced again')),
  announcements: Type.Integer(),
  records: count('Data Records decoded with it by this process.'),
  source: Type.String({ description: 'wire, store, file or sibling (another session of the same exporter).' }),
  state: Type.String({
    description:
      'live: the exporter announced it; hint: taken up without its word, the exporter may contradict it; quarantined: in doubt, its data waits for an announcement; remembered: its session is not here.'
  }),
  isHint: Type.Boolean({ description: 'It is not live in the sense of `state`.' })
})

export const TemplateDetails = Type.Object({
  ...Template.properties,
  hash,
  recordLength,
  minRecordLength,
  fields: Type.Array(DecodedField)
})

const TemplateVersion = Type.Object({
  kind,
  scopeCount,
  firstSeenAtMs: timeMs('First announcement of this definition'),
  lastSeenAtMs: timeMs('Last announcement of it, as far as it was written'),
  session: Type.String({ description: 'Who announced it.' }),
  ended: orNull(Type.String({ description: 'redefined or withdrawn; null for the last one.' })),
  hash,
  recordLength,
  minRecordLength,
  fields: Type.Array(DecodedField)
})

export const TemplateHistory = Type.Object({
  key: Type.String(),
  exporter: Type.String(),
  scope: Type.String(),
  odid: Type.Integer(),
  templateId: Type.Integer(),
  atMs: orNull(timeMs('What was asked for')),
  meaning: orNull(TemplateVersion),
  isCertain: orNull(
    Type.Boolean({ description: 'It was announced at that time or after it, or another definition was: no guess.' })
  ),
  versions: Type.Array(TemplateVersion, { description: 'The first one first; at most 256 of an Observation Domain.' })
})

/** What a list of templates can be narrowed by. */
export const templateFilters = {
  odid: Type.Optional(Type.Integer({ minimum: 0, description: 'Only of this Observation Domain.' })),
  templateId: Type.Optional(Type.Integer({ minimum: 0, maximum: 65535, description: 'Only with this id.' })),
  kind: Type.Optional(oneOf(['template', 'options'], 'Only Templates, or only Options Templates.')),
  field: Type.Optional(
    Type.String({
      maxLength: 128,
      description: 'Only those that have this element: its name, `pen:id`, or the id of an IANA element.'
    })
  ),
  source: Type.Optional(oneOf(['wire', 'store', 'file', 'sibling'], 'Only those known from there.')),
  scope: Type.Optional(Type.String({ maxLength: 512, description: 'Only those whose scope key begins so.' })),
  state: Type.Optional(oneOf(['live', 'hint', 'quarantined', 'remembered'], 'Only those in this state.'))
}
