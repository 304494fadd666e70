import { ledgerTable, pipelineTable, statusTable } from './document-tables.ts'
import type { Column } from './output.ts'

/** Something that the APIs have a list of. */
export interface Resource {
  /** Where each API has it; an API that does not have it is left out. */
  readonly front?: string
  readonly coordinator?: string
  readonly columns: readonly Column[]
  /** It has no pages, no filters and no order. */
  readonly isWhole?: boolean
  /** APIs without a route for one entry: it is looked for in the list, by its {@link key}. A fleet has it once a pod. */
  readonly searched?: readonly ('front' | 'coordinator')[]
  /** What an entry is known by, where it is searched. */
  readonly key?: string
  /** What is said when there is none. */
  readonly empty: string
  readonly summary: string
}

const pod: Column = ['POD', 'pod']

/** What `weir ctl get` knows, by the name that it is asked by. */
export const resources: Readonly<Record<string, Resource>> = {
  pods: {
    front: '/api/v1/fleet',
    key: 'pod',
    searched: ['front'],
    isWhole: true,
    columns: [pod, ['STATE', 'state'], ['URL', 'url'], ['TOOK MS', 'tookMs'], ['REASONS', 'reasons']],
    empty: 'There are no pods; name some in front.pods.',
    summary: 'the pods of the fleet, and how each is'
  },
  exporters: {
    front: '/api/v1/exporters',
    key: 'id',
    searched: ['front'],
    coordinator: '/v1/exporters',
    columns: [
      pod,
      ['ID', 'id'],
      ['STATE', 'state'],
      ['VERSIONS', 'versions'],
      ['TEMPLATES', 'templates'],
      ['MESSAGES', 'messages'],
      ['RECORDS', 'records'],
      ['LOST', 'sequence.lost'],
      ['LAST SEEN', 'lastSeenAtMs']
    ],
    empty: 'Nobody exports yet.',
    summary: 'who exports, and where each is in its life'
  },
  templates: {
    front: '/api/v1/templates',
    key: 'key',
    searched: ['front'],
    coordinator: '/v1/templates',
    columns: [
      pod,
      ['EXPORTER', 'exporter'],
      ['ODID', 'odid'],
      ['ID', 'templateId'],
      ['KIND', 'kind'],
      ['FIELDS', 'fields.length'],
      ['STATE', 'state'],
      ['SOURCE', 'source'],
      ['KEY', 'key']
    ],
    empty: 'No template is known.',
    summary: 'what the data means'
  },
  listeners: {
    front: '/api/v1/listeners',
    key: 'name',
    searched: ['front', 'coordinator'],
    coordinator: '/v1/listeners',
    columns: [
      pod,
      ['NAME', 'name'],
      ['STATE', 'state'],
      ['TRANSPORT', 'transport'],
      ['ADDRESS', 'address'],
      ['PORT', 'port']
    ],
    empty: 'There are no listeners.',
    summary: 'where exporters send to'
  },
  destinations: {
    front: '/api/v1/destinations',
    key: 'id',
    searched: ['front'],
    coordinator: '/v1/destinations',
    columns: [
      pod,
      ['ID', 'id'],
      ['TYPE', 'type'],
      ['STATUS', 'status'],
      ['TARGET', 'target'],
      ['SENT', 'ledger.sent'],
      ['QUEUED', 'ledger.queued'],
      ['DROPPED', 'ledger.dropped'],
      ['LAST ERROR', 'lastError']
    ],
    empty: 'There are no destinations.',
    summary: 'where records go'
  },
  pending: {
    coordinator: '/v1/pending',
    columns: [
      ['EXPORTER', 'exporter'],
      ['ODID', 'odid'],
      ['TEMPLATE', 'templateId'],
      ['SETS', 'sets'],
      ['OCTETS', 'octets']
    ],
    empty: 'No Data Set waits for its template.',
    summary: 'Data Sets that wait for a template'
  },
  revisions: {
    front: '/api/v1/config/revisions',
    coordinator: '/v1/config/revisions',
    columns: [
      ['REVISION', 'number'],
      ['AT', 'atMs'],
      ['AUTHOR', 'author'],
      ['REASON', 'reason'],
      ['HASH', 'hash']
    ],
    empty: 'There are no revisions.',
    summary: 'all documents that held and hold'
  },
  rollouts: {
    front: '/api/v1/config/rollouts',
    columns: [
      ['ID', 'id'],
      ['STATE', 'state'],
      ['REVISION', 'revision'],
      ['AUTHOR', 'author'],
      ['BEGAN', 'createdAtMs'],
      ['ENDED', 'endedAtMs'],
      ['REASON', 'reason'],
      ['DETAIL', 'detail']
    ],
    empty: 'There was no roll-out.',
    summary: 'changes that went pod by pod'
  },
  keys: {
    front: '/api/v1/keys',
    columns: [
      ['ID', 'id'],
      ['NAME', 'name'],
      ['ROLE', 'role'],
      ['CREATED', 'createdAtMs'],
      ['REVOKED', 'revokedAtMs']
    ],
    empty: 'There are no keys.',
    summary: 'API keys, never their secrets'
  },
  jobs: {
    front: '/api/v1/jobs',
    columns: [
      ['ID', 'id'],
      ['TYPE', 'type'],
      ['STATE', 'state'],
      ['POSITION', 'position'],
      ['RECORDS', 'progress.records'],
      ['AUTHOR', 'author'],
      ['CREATED', 'createdAtMs'],
      ['FINISHED', 'finishedAtMs'],
      ['ERROR', 'error.detail']
    ],
    empty: 'There are no jobs.',
    summary: 'jobs, newest first'
  },
  'job-types': {
    front: '/api/v1/job-types',
    isWhole: true,
    columns: [
      ['NAME', 'name'],
      ['FILES', 'inputs.max'],
      ['SUMMARY', 'summary', 160]
    ],
    empty: 'There are no kinds of jobs.',
    summary: 'what jobs can do; of one of them with its parameters'
  },
  uploads: {
    front: '/api/v1/uploads',
    columns: [
      ['ID', 'id'],
      ['NAME', 'name'],
      ['OCTETS', 'octets'],
      ['CREATED', 'createdAtMs']
    ],
    empty: 'There are no uploads.',
    summary: 'files for jobs'
  }
}

/** Something that the APIs have one of. */
export interface SingleDocument {
  readonly front?: string
  readonly coordinator?: string
  readonly summary: string
  /** What a person is shown; undefined: YAML. */
  readonly table?: (answer: unknown) => string
  /** The APIs tell it as Mermaid and Graphviz DOT text too. */
  readonly isGraph?: boolean
}

/** What `weir ctl get` knows that is no list. */
export const documents: Readonly<Record<string, SingleDocument>> = {
  'config-status': {
    front: '/api/v1/config',
    coordinator: '/v1/config/status',
    table: statusTable,
    summary: 'which revision is in force, and whether all pods have it'
  },
  ledger: {
    front: '/api/v1/ledger',
    coordinator: '/v1/ledger',
    table: ledgerTable,
    summary: 'where every record went'
  },
  pipeline: {
    front: '/api/v1/pipeline',
    coordinator: '/v1/pipeline',
    table: pipelineTable,
    isGraph: true,
    summary: 'the way of the records: rates, what waits and what is lost at each hop'
  },
  version: { front: '/version', coordinator: '/version', summary: 'what runs there' }
}
