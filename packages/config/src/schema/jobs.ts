import Type from 'typebox'
import { GIB, KIB, MIB, httpHealth, orNull, section, text, wholeNumber, word } from './keys.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** Bounds of one job, whatever it does. */
const jobBounds = {
  threads: wholeNumber({
    default: 2,
    minimum: 1,
    maximum: 64,
    limit: 'L-82',
    description: 'Jobs that one job worker runs at once, each in a thread of its own.',
    memory: 'threads times taskMemoryOctets at worst: 2 GiB',
    whenReached: 'further jobs wait'
  }),
  queuedJobs: wholeNumber({
    default: 1_000,
    minimum: 1,
    maximum: 10_000,
    limit: 'L-82',
    description: 'Jobs that wait, of all keys together.',
    whenReached: '429'
  }),
  queuedPerKey: wholeNumber({
    default: 100,
    minimum: 1,
    maximum: 10_000,
    limit: 'L-82',
    description: 'Jobs of one API key that wait.',
    whenReached: '429'
  }),
  runningPerKey: wholeNumber({
    default: 4,
    minimum: 1,
    maximum: 1_000,
    limit: 'L-82',
    description: 'Jobs of one API key that run at once.',
    whenReached: 'its further jobs wait, those of others go before them'
  }),
  attempts: wholeNumber({
    default: 2,
    minimum: 1,
    maximum: 10,
    limit: 'L-81',
    description:
      'How often a job is begun whose worker dies or that ends by a defect; an error of its input ends it at once.',
    whenReached: 'it is failed, and kept'
  }),
  lockMs: wholeNumber({
    default: 30_000,
    minimum: 1_000,
    maximum: 600_000,
    unit: 'ms',
    limit: 'L-81',
    description: 'A worker that is not heard of for so long has lost its jobs; it is heard of three times as often.',
    whenReached: 'the job is begun again, by whoever is there'
  }),
  taskCpuMs: wholeNumber({
    default: 600_000,
    minimum: 100,
    maximum: DAY_MS,
    unit: 'ms',
    limit: 'L-82',
    description: 'CPU time of one job.',
    whenReached: 'it is failed with TASK_LIMIT'
  }),
  taskTimeMs: wholeNumber({
    default: HOUR_MS,
    minimum: 1_000,
    maximum: 7 * DAY_MS,
    unit: 'ms',
    limit: 'L-82',
    description: 'Time of one job from its begin to its end.',
    whenReached: 'it is failed with TASK_LIMIT'
  }),
  taskMemoryOctets: wholeNumber({
    default: GIB,
    minimum: 32 * MIB,
    maximum: 64 * GIB,
    unit: 'octets',
    limit: 'L-82',
    description:
      'Memory of the thread of one job: its heap and its buffers. Half of it is for tables of what was seen.',
    whenReached: 'it is failed with TASK_LIMIT'
  }),
  outputOctets: wholeNumber({
    default: 2 * GIB,
    minimum: KIB,
    maximum: 1_024 * GIB,
    unit: 'octets',
    limit: 'L-82',
    description: 'Files of the result of one job.',
    whenReached: 'it is failed with TASK_LIMIT'
  }),
  expansion: wholeNumber({
    default: 100,
    minimum: 1,
    maximum: 10_000,
    limit: 'L-82',
    description: 'Octets that one octet of a compressed input may become.',
    whenReached: 'the job is failed with TASK_LIMIT'
  })
}

const keptBounds = {
  kept: wholeNumber({
    default: 1_000,
    minimum: 1,
    maximum: 10_000,
    description: 'Jobs kept that have ended.',
    whenReached: 'the one that ended first is forgotten, with its result'
  }),
  keptMs: wholeNumber({
    default: 7 * DAY_MS,
    minimum: 60_000,
    maximum: 3_650 * DAY_MS,
    unit: 'ms',
    description: 'How long a job that has ended is kept, with its result.'
  }),
  resultOctets: wholeNumber({
    default: 20 * GIB,
    minimum: MIB,
    maximum: 1_024 * 1_024 * GIB,
    unit: 'octets',
    description: 'Results kept, of all jobs together.',
    whenReached: 'the job that ended first is forgotten, with its result'
  }),
  uploadOctets: wholeNumber({
    default: 512 * MIB,
    minimum: KIB,
    maximum: 1_024 * GIB,
    unit: 'octets',
    limit: 'L-73',
    description: 'Longest file that is uploaded.',
    whenReached: '413'
  }),
  uploadsOctets: wholeNumber({
    default: 20 * GIB,
    minimum: MIB,
    maximum: 1_024 * 1_024 * GIB,
    unit: 'octets',
    description: 'Uploads kept, all together.',
    whenReached: 'those that came first and that no job needs are deleted; if that is not enough, 507'
  }),
  uploads: wholeNumber({
    default: 1_000,
    minimum: 1,
    maximum: 100_000,
    description: 'Uploads kept.',
    whenReached: 'those that came first and that no job needs are deleted; if that is not enough, 507'
  }),
  uploadsAtOnce: wholeNumber({
    default: 8,
    minimum: 1,
    maximum: 1_000,
    description: 'Uploads that arrive at the same time.',
    whenReached: '429'
  }),
  uploadTimeoutMs: wholeNumber({
    default: HOUR_MS,
    minimum: 1_000,
    maximum: DAY_MS,
    unit: 'ms',
    description: 'Time for a whole upload to arrive; other requests have front.limits.requestTimeoutMs.',
    whenReached: '408'
  }),
  uploadKeptMs: wholeNumber({
    default: 7 * DAY_MS,
    minimum: 60_000,
    maximum: 3_650 * DAY_MS,
    unit: 'ms',
    description: 'How long an upload is kept that no job needs.'
  }),
  freeOctets: wholeNumber({
    default: GIB,
    minimum: 0,
    maximum: 1_024 * GIB,
    unit: 'octets',
    description: 'Free space of the volume that uploads and results leave to others.',
    whenReached: 'an upload is answered 507; a job is failed with TASK_LIMIT'
  }),
  eventSubscribers: wholeNumber({
    default: 32,
    minimum: 1,
    maximum: 1_024,
    limit: 'L-78',
    description: 'Streams of the events of jobs at once.',
    whenReached: '503'
  })
}

/** Section `front.jobs`. */
export const JobsConfig = Type.Object(
  {
    folder: orNull(
      text('path', { description: 'A folder.' }),
      null,
      'Where uploads and results are kept; null = jobs under stateDir. Fronts and job workers that share a queue share this folder, on a volume that all of them have.'
    ),
    priority: word(
      ['idle', 'normal'],
      'idle',
      'idle: jobs take the CPU time that nobody else on the machine wants, and wait while all of it is wanted; normal: they have their share.'
    ),
    http: httpHealth('job worker', 9103, false),
    limits: section({ ...jobBounds, ...keptBounds }, 'Bounds of jobs and of the files they need and make.')
  },
  { additionalProperties: false, default: {}, description: 'Work on recorded flows.' }
)
export type JobsConfig = Type.Static<typeof JobsConfig>

/** Key `front.jobs`. */
export const jobsKey = orNull(
  JobsConfig,
  {},
  'Work on recorded flows that the web API takes and weir job-worker does; null: none, and weir up starts no job worker.'
)
