import Type from 'typebox'
import { identifier, orNull, text, wholeNumber } from './keys.ts'

/** Somebody who is told of events by HTTP. */
export const WebhookConfig = Type.Object(
  {
    id: identifier('Its name in the log and the metrics.'),
    url: orNull(
      text('webhookUrl', { description: 'A URL.' }),
      null,
      'Where each event is POSTed as JSON. Redirects are not followed, and nothing of the answer is kept but its status. Whoever may read the configuration reads it: null = it is in urlFile.'
    ),
    urlFile: orNull(
      text('path', { description: 'A file.' }),
      null,
      'A file that holds the URL, where the URL itself opens the door, as those of chat services do.'
    ),
    events: Type.Array(Type.String({ pattern: '^[a-z][a-z_]{1,63}$', description: 'Name of an event.' }), {
      default: ['exporter_state'],
      minItems: 1,
      maxItems: 64,
      description: 'The events that are told; GET /v1/events lists them.'
    }),
    secretFile: orNull(
      text('path', { description: 'A file with at least 16 octets.' }),
      null,
      'Key of the signature: `weir-signature: sha256=…` is the HMAC-SHA-256 of `<weir-timestamp>.<body>`. Null: not signed.'
    ),
    timeoutMs: wholeNumber({
      default: 5_000,
      minimum: 100,
      maximum: 60_000,
      unit: 'ms',
      limit: 'L-79',
      description: 'Time for one attempt.',
      whenReached: 'it is tried again'
    }),
    attempts: wholeNumber({
      default: 8,
      minimum: 1,
      maximum: 100,
      limit: 'L-79',
      description: 'Attempts for one event: on errors of the network, 408, 425, 429 and 5xx; other answers end it.',
      whenReached: 'the event is given up for this webhook, and counted'
    }),
    retryMinMs: wholeNumber({
      default: 1_000,
      minimum: 10,
      maximum: 600_000,
      unit: 'ms',
      limit: 'L-79',
      description: 'Least time before the second attempt; it doubles, with a jitter of up to a half.'
    }),
    retryMaxMs: wholeNumber({
      default: 60_000,
      minimum: 10,
      maximum: 3_600_000,
      unit: 'ms',
      limit: 'L-79',
      description: 'Most time between two attempts, Retry-After included.'
    }),
    queue: wholeNumber({
      default: 256,
      minimum: 1,
      maximum: 65_536,
      limit: 'L-79',
      description: 'Events that wait for this webhook.',
      whenReached: 'the oldest is dropped, and counted'
    })
  },
  { additionalProperties: false }
)
export type WebhookConfig = Type.Static<typeof WebhookConfig>
