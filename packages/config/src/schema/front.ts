import Type from 'typebox'
import { httpLimits } from './http-limits.ts'
import { jobsKey } from './jobs.ts'
import { GIB, KIB, MIB, orNull, section, text, wholeNumber, word } from './keys.ts'

const claimText = (description: string) => Type.String({ minLength: 1, maxLength: 256, description })

/** Only with a public key: with a shared secret whoever checks tokens could make them. */
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'] as const

const OidcConfig = Type.Object(
  {
    issuer: text('issuerUrl', {
      description: 'Its URL, exactly as `iss` of its tokens; its keys are found by its discovery document.'
    }),
    audience: claimText('What `aud` of a token must have: the name of this API at the issuer.'),
    algorithms: Type.Array(word(algorithms, undefined, 'A signature algorithm with a public key.'), {
      default: ['RS256', 'ES256'],
      minItems: 1,
      maxItems: 10,
      description: 'Signatures that are taken; all others are refused, whatever the token says.'
    }),
    jwksUri: orNull(
      text('issuerUrl', { description: 'A URL.' }),
      null,
      'Where its keys are; null: where its discovery document says.'
    ),
    caFile: orNull(
      text('path', { description: 'A file.' }),
      null,
      'Certificates (PEM) that its own must be signed by; null = those of this system.'
    ),
    roleClaim: Type.String({
      default: 'roles',
      minLength: 1,
      maxLength: 256,
      description: 'The claim with the roles: text or a list of texts; `a.b` is claim b in claim a.'
    }),
    roleMap: Type.Array(
      Type.Object(
        {
          value: claimText('What the claim has.'),
          role: word(['metrics', 'reader', 'operator', 'admin'], undefined, 'What that gives.')
        },
        { additionalProperties: false }
      ),
      {
        default: [],
        maxItems: 64,
        description:
          'Which role a value gives; the highest counts, a token with none of them opens nothing. Empty: the values are our own names.'
      }
    ),
    tokenLifetimeSec: wholeNumber({
      default: 3_600,
      minimum: 60,
      maximum: 3_600,
      unit: 's',
      description: 'Longest time between `iat` and `exp`; a token that is good for longer is refused.'
    }),
    clockToleranceSec: wholeNumber({
      default: 30,
      minimum: 0,
      maximum: 300,
      unit: 's',
      description: 'How far its clock may be from ours.'
    }),
    jwksFreshMs: wholeNumber({
      default: 600_000,
      minimum: 1_000,
      maximum: 86_400_000,
      unit: 'ms',
      description: 'How old its keys may be before they are asked for again; those that are there hold meanwhile.'
    }),
    jwksStaleMs: wholeNumber({
      default: 43_200_000,
      minimum: 1_000,
      maximum: 604_800_000,
      unit: 'ms',
      description: 'How long its keys hold while it is away.',
      whenReached: '503 for tokens; API keys still open'
    }),
    jwksCooldownMs: wholeNumber({
      default: 10_000,
      minimum: 100,
      maximum: 3_600_000,
      unit: 'ms',
      description: 'Least time between two questions for its keys, whatever keys tokens name.'
    }),
    timeoutMs: wholeNumber({
      default: 3_000,
      minimum: 50,
      maximum: 60_000,
      unit: 'ms',
      description: 'Time for it to answer.'
    })
  },
  { additionalProperties: false, description: 'An OpenID Connect issuer.' }
)
export type OidcConfig = Type.Static<typeof OidcConfig>

/** Section `front`. */
export const FrontConfig = section(
  {
    address: text('address', {
      default: '127.0.0.1',
      description: 'Local address of the web API; this machine only, because it speaks plain HTTP.'
    }),
    port: wholeNumber({ default: 8080, minimum: 0, maximum: 65535, description: 'TCP port; 0 takes any free one.' }),
    pods: Type.Array(
      text('podUrl', {
        description:
          'Control API of one pod, or with dns:// those of every address of a name, with k8s:// those of every endpoint of a service.'
      }),
      {
        default: [],
        maxItems: 64,
        description:
          'Control APIs of the pods of the fleet, e.g. http://192.0.2.1:8090, dns://weir-headless:8090 for every address that the name has, or k8s://NAMESPACE/SERVICE:8090 for every endpoint of a service by the API of Kubernetes (front.kubernetes); empty: the one of this configuration.'
      }
    ),
    podTokenFile: orNull(
      text('path', { description: 'A file.' }),
      null,
      'A file with the token that the pods ask for (coordinator.tokenFile there), read again when it changes; null = none, or, where pods is empty, that of coordinator.tokenFile.'
    ),
    podTls: orNull(
      Type.Object(
        {
          caFile: orNull(
            text('path', { description: 'A file.' }),
            null,
            'Certificates (PEM) that the pods must be signed by; null = those of this system.'
          ),
          certFile: orNull(
            text('path', { description: 'A file.' }),
            null,
            'Our own certificate (PEM), where the pods ask for one (coordinator.tls.clientCaFile there); with keyFile.'
          ),
          keyFile: orNull(text('path', { description: 'A file.' }), null, 'The key (PEM) of certFile.'),
          serverName: orNull(
            Type.String({ minLength: 1, maxLength: 253, description: 'A host name.' }),
            null,
            'The name that the certificates of all pods bear; null = the host name or address of each.'
          )
        },
        { additionalProperties: false, description: 'TLS to the pods.' }
      ),
      null,
      'For pods at https://, and those of dns:// names, which are spoken to over TLS then; the files are read again when they change. null = as the system has it, and dns:// names without TLS.'
    ),
    workers: orNull(
      Type.Integer({ minimum: 1, maximum: 64, description: 'A number of processes.' }),
      null,
      'HTTP processes that share the port; null: one beside a pod (weir up), else one for each core, 8 at most. Connections, uploads and streams are shared out among them. Requests, changes and failed logins are counted and limited for all of them together; eventSubscribers, uploadsAtOnce and cacheOctets are bounds of each.'
    ),
    kubernetes: section(
      {
        api: text('issuerUrl', {
          default: 'https://kubernetes.default.svc',
          description: 'The API server, as pods reach it.'
        }),
        tokenFile: text('path', {
          default: '/var/run/secrets/kubernetes.io/serviceaccount/token',
          description:
            'Token of the service account of this pod; read each time, because it is exchanged while one runs.'
        }),
        caFile: text('path', {
          default: '/var/run/secrets/kubernetes.io/serviceaccount/ca.crt',
          description: 'Certificates (PEM) that the API server must be signed by.'
        }),
        statefulSet: orNull(
          text('kubernetesName', { description: 'NAMESPACE/NAME.' }),
          null,
          'What /api/v1/scale reads and sets: the StatefulSet of the pods, NAMESPACE/NAME; null: it is not to be scaled from here.'
        ),
        timeoutMs: wholeNumber({
          default: 5_000,
          minimum: 50,
          maximum: 60_000,
          unit: 'ms',
          description: 'Time for the API server to answer.',
          whenReached: '503, or the pods that were known last'
        })
      },
      'How the front asks Kubernetes: for k8s:// in front.pods, and for /api/v1/scale.'
    ),
    cache: section(
      {
        freshMs: wholeNumber({
          default: 1_000,
          minimum: 0,
          maximum: 60_000,
          unit: 'ms',
          description:
            'How old an answer may be that is given again without asking the pods; each is asked for the same thing at most once in it.'
        }),
        staleMs: wholeNumber({
          default: 3_000,
          minimum: 0,
          maximum: 600_000,
          unit: 'ms',
          description:
            'How old an answer may be that is given while a new one is asked for; nobody waits for the pods then. An older one is not given.'
        })
      },
      'Answers of the fleet (pods, exporters, templates, ledger) that are given again; each says when the pods were asked.'
    ),
    oidc: orNull(
      OidcConfig,
      null,
      'Bearer tokens of an OpenID Connect issuer, besides API keys; null: only keys open.'
    ),
    jobs: jobsKey,
    limits: section(
      {
        ...httpLimits,
        cacheOctets: wholeNumber({
          default: 64 * MIB,
          minimum: MIB,
          maximum: 16 * GIB,
          unit: 'octets',
          description: 'Octets of the answers that are kept, those of each HTTP process by itself.',
          memory: '64 MiB',
          whenReached: 'the answer that nobody wanted for longest is forgotten'
        }),
        pods: wholeNumber({
          default: 64,
          minimum: 1,
          maximum: 1_024,
          description: 'Pods that one request is passed on to.',
          whenReached: 'those after it are left out, and the answer says so'
        }),
        podTimeoutMs: wholeNumber({
          default: 2_500,
          minimum: 50,
          maximum: 60_000,
          unit: 'ms',
          description:
            'Time for one pod to answer; a little more than coordinator.limits.controlTimeoutMs, so that its own reason is heard.',
          whenReached: 'the answer is partial and names the pod'
        }),
        podAnswerOctets: wholeNumber({
          default: 16 * MIB,
          minimum: 64 * KIB,
          maximum: 256 * MIB,
          unit: 'octets',
          description: 'Longest answer taken from one pod.',
          whenReached: 'the answer is partial and names the pod'
        }),
        podLookupMs: wholeNumber({
          default: 5_000,
          minimum: 100,
          maximum: 3_600_000,
          unit: 'ms',
          description: 'How long the addresses of a dns:// name are held for true.'
        }),
        eventSubscribers: wholeNumber({
          default: 32,
          minimum: 1,
          maximum: 1_024,
          limit: 'L-78',
          description:
            'Streams of /api/v1/events at once; each takes one of coordinator.limits.eventSubscribers at each pod.',
          memory: 'eventSubscribers times eventBufferOctets at worst: 32 MiB',
          whenReached: '503'
        }),
        eventBufferOctets: wholeNumber({
          default: MIB,
          minimum: 4 * KIB,
          maximum: 64 * MIB,
          unit: 'octets',
          limit: 'L-78',
          description: 'What may wait for one reader of /api/v1/events.',
          whenReached: 'its stream is ended with the reason; it can come back with the last id'
        }),
        keys: wholeNumber({
          default: 1_000,
          minimum: 1,
          maximum: 100_000,
          description: 'API keys that are kept.',
          whenReached: '409'
        }),
        requestsPerSec: wholeNumber({
          default: 100,
          minimum: 1,
          maximum: 100_000,
          unit: 'per second',
          limit: 'L-72',
          description: 'Requests with one key; a second may have them all at once.',
          whenReached: '429'
        }),
        writesPerSec: wholeNumber({
          default: 20,
          minimum: 1,
          maximum: 100_000,
          unit: 'per second',
          limit: 'L-72',
          description: 'Changes with one key.',
          whenReached: '429'
        }),
        failedLoginsPerMin: wholeNumber({
          default: 10,
          minimum: 1,
          maximum: 10_000,
          limit: 'L-72',
          description: 'Requests with no key or a wrong one, by client address and minute.',
          whenReached: '429 for requests of that address without a right key'
        })
      },
      'Bounds of the web API.'
    )
  },
  'The web API of the fleet.'
)
export type FrontConfig = Type.Static<typeof FrontConfig>
