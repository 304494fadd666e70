import Type from 'typebox'
import { orNull, text, word } from './keys.ts'

/** Whose templates an exporter's are, and who the exporter is; see `docs/decisions/0003-template-scope.md`. */
export const templateScopes = [
  'auto',
  'session',
  'address+port',
  'address',
  'element:130',
  'element:131',
  'element:403',
  'certificate'
] as const
export type TemplateScopePolicy = (typeof templateScopes)[number]

/** Bounds of the thresholds of an exporter's life. */
export const thresholdBounds = {
  silentMs: { minimum: 1_000, maximum: 604_800_000 },
  skewMs: { minimum: 1_000, maximum: 86_400_000 }
} as const

/** What holds for some exporters otherwise than for all. */
export const ExporterPolicyConfig = Type.Object(
  {
    match: text('cidr', {
      description: 'Whom it is for: an address or a CIDR block. The first entry that matches wins.'
    }),
    scope: word(
      templateScopes,
      'auto',
      'Whose templates are used for its data (UDP): those of its session (source port), of its address, or as what its ports announce and count shows (auto). address+port is session under another name. element:130, 131 or 403: the records say who the exporter is, because this sender relays for others: exporterIPv4Address (130), exporterIPv6Address (131) or originalExporterIPv4Address (403), or where that is missing or zero the one of the other address family (131, 130, 404); else the sender. Trust no sender with it that is not yours.'
    ),
    resumeTemplates: Type.Boolean({
      default: false,
      description:
        'TCP: an exporter that sends no templates after it has connected again is decoded by those of its last session, on whatever pod that was. Against RFC 7011 §8, for exporters that get it wrong; counted.'
    }),
    silentMs: orNull(
      Type.Integer(thresholdBounds.silentMs),
      null,
      'It is silent when nothing came for so long, milliseconds; null = collector.limits.exporterSilentMs.'
    ),
    skewMs: orNull(
      Type.Integer(thresholdBounds.skewMs),
      null,
      'Its clock is skewed when it differs from ours by more, milliseconds; null = collector.limits.skewMs.'
    )
  },
  { additionalProperties: false }
)
export type ExporterPolicyConfig = Type.Static<typeof ExporterPolicyConfig>

/** What holds for one exporter, over the entries of `collector.exporters`. */
export const ExporterOverrideConfig = Type.Object(
  {
    address: text('address', { description: 'The exporter.' }),
    scope: Type.Optional(word(templateScopes, undefined, 'As in collector.exporters; left out: as is said there.')),
    resumeTemplates: Type.Optional(
      Type.Boolean({ description: 'As in collector.exporters; left out: as is said there.' })
    ),
    silentMs: Type.Optional(
      Type.Integer({ ...thresholdBounds.silentMs, description: 'As in collector.exporters, milliseconds.' })
    ),
    skewMs: Type.Optional(
      Type.Integer({ ...thresholdBounds.skewMs, description: 'As in collector.exporters, milliseconds.' })
    )
  },
  { additionalProperties: false }
)
export type ExporterOverrideConfig = Type.Static<typeof ExporterOverrideConfig>
