import { posix } from 'node:path'
import { visit } from './source-file.ts'
import type { PackageFacts } from '../repository.ts'
import type { ImportFact, SourceFile } from './source-file.ts'

/** Which package may import a client; everything else that is not of Node or of Weir is refused. */
const owners: Readonly<Record<string, readonly string[]>> = {
  zeromq: ['link'],
  pino: ['runtime'],
  'prom-client': ['runtime'],
  fastify: ['http', 'front'],
  '@fastify/': ['http'],
  typebox: ['analysis', 'config', 'coordinator', 'front', 'http'],
  bullmq: ['front'],
  piscina: ['front'],
  jose: ['front'],
  '@duckdb/node-api': ['analysis'],
  'd3-scale': ['analysis'],
  'd3-shape': ['analysis'],
  graphology: ['analysis'],
  'graphology-communities-louvain': ['analysis'],
  'graphology-components': ['analysis'],
  'graphology-gexf': ['analysis'],
  'graphology-metrics': ['analysis'],
  hyparquet: ['analysis'],
  'hyparquet-writer': ['analysis'],
  yaml: ['config'],
  commander: ['cli'],
  'cli-progress': ['cli'],
  'cli-table3': ['cli'],
  '@nats-io/': ['templates'],
  // The front only for BullMQ, whose driver it is.
  ioredis: ['front', 'templates'],
  'node:sqlite': ['templates', 'config', 'front'],
  'node:ffi': ['collector', 'front', 'mediator'],
  'openapi-fetch': ['client'],
  'openapi-typescript': ['tools'],
  '@bomb.sh/tab': ['cli'],
  acorn: ['tools'],
  'fast-xml-parser': ['tools']
}

/** Allowed in tests and benchmarks, whatever the package. */
const testClients: ReadonlySet<string> = new Set([
  '@duckdb/node-api',
  'ajv',
  'fast-check',
  'fast-xml-parser',
  'fastify',
  'graphology',
  'graphology-gexf',
  'graphology-graphml',
  'typebox',
  'yaml',
  'zeromq'
])

/** Packages that have neither I/O nor a clock; `node:` modules that are neither are allowed by name. */
const pure: ReadonlySet<string> = new Set(['ipfix', 'mediation'])
const pureModules: ReadonlySet<string> = new Set(['node:util'])
const impureGlobals: ReadonlySet<string> = new Set([
  'process',
  'console',
  'performance',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'fetch',
  'Buffer'
])

const drawers = /(^|\/|[.-])(utils?|common|helpers?|misc)([.-]|\/|$)/i

/** Where a file belongs: `packages/<folder>/<area>/…` or `test/…`. */
interface Place {
  readonly folder: string | undefined
  readonly isSource: boolean
}

const placeOf = (path: string): Place => {
  const [top, folder, area] = path.split('/')
  return top === 'packages' ? { folder, isSource: area === 'src' } : { folder: undefined, isSource: false }
}

const workspaceName = /^@weir\/([a-z]+)(\/.+)?$/

/** Every breach of the rules of imports and names, one sentence each, with the file first. */
export function checkBoundaries(files: readonly SourceFile[], packages: readonly PackageFacts[]): string[] {
  const byName = new Map(packages.map(each => [each.name, each]))
  const byFolder = new Map(packages.map(each => [each.folder, each]))
  return files.flatMap(file => {
    const place = placeOf(file.path)
    const own = place.folder === undefined ? undefined : byFolder.get(place.folder)
    return [
      ...nameBreaches(file),
      ...file.imports.flatMap(each => importBreaches(file.path, each, place, own, byName)),
      ...(place.isSource && pure.has(place.folder!) ? pureBreaches(file) : [])
    ]
  })
}

function importBreaches(
  path: string,
  { specifier, isType }: ImportFact,
  place: Place,
  own: PackageFacts | undefined,
  byName: ReadonlyMap<string, PackageFacts>
): string[] {
  if (specifier.startsWith('.')) return relativeBreaches(path, specifier)
  const workspace = workspaceName.exec(specifier)
  if (workspace !== null) return workspaceBreaches(path, specifier, workspace[2], place, own, byName)
  if (place.folder !== undefined && pure.has(place.folder) && place.isSource && !pureModules.has(specifier)) {
    return [`${path}: ${place.folder} imports nothing outside Weir, but here is ${specifier}`]
  }
  return clientBreaches(path, specifier, isType, place)
}

function relativeBreaches(path: string, specifier: string): string[] {
  const target = posix.join(posix.dirname(path), specifier)
  const breaches: string[] = []
  if (!/\.(ts|mjs|json)$/.test(specifier)) breaches.push(`${path}: ${specifier} has no extension`)
  const [top, folder] = path.split('/')
  const inside = top === 'packages' ? `packages/${folder}/` : 'test/'
  const isShared = !placeOf(path).isSource && target.startsWith('test/')
  if (!target.startsWith(inside) && !isShared) {
    breaches.push(`${path}: ${specifier} is a deep import into another package; import it by its name`)
  }
  if (placeOf(path).isSource && !placeOf(target).isSource)
    breaches.push(`${path}: sources do not import tests (${specifier})`)
  return breaches
}

function workspaceBreaches(
  path: string,
  specifier: string,
  entry: string | undefined,
  place: Place,
  own: PackageFacts | undefined,
  byName: ReadonlyMap<string, PackageFacts>
): string[] {
  const target = byName.get(specifier.split('/').slice(0, 2).join('/'))
  if (target === undefined) return [`${path}: there is no package ${specifier}`]
  if (entry !== undefined && !target.entries.includes(`.${entry}`)) {
    return [`${path}: ${specifier} is a deep import; only what ${target.name} exports may be imported`]
  }
  if (!place.isSource || own === undefined) return []
  if (entry === '/testing') return [`${path}: ${specifier} is for tests`]
  if (target === own) return [`${path}: a package does not import itself by name`]
  if (target.layer >= own.layer) {
    return [
      `${path}: ${own.name} (layer ${own.layer}) may not import ${target.name} (layer ${target.layer}); only lower layers`
    ]
  }
  const isDeclared = own.folder === 'tools' || own.dependencies.includes(target.name)
  return isDeclared ? [] : [`${path}: ${target.name} is not among the dependencies of ${own.name}`]
}

function clientBreaches(path: string, specifier: string, isType: boolean, place: Place): string[] {
  const key = Object.keys(owners).find(
    each => specifier === each || specifier.startsWith(each.endsWith('/') ? each : `${each}/`)
  )
  if (key === undefined && specifier.startsWith('node:')) return []
  const client = specifier.startsWith('@') ? specifier.split('/').slice(0, 2).join('/') : specifier.split('/')[0]!
  if (!place.isSource && (testClients.has(client) || key === 'node:sqlite')) return []
  if (key === undefined)
    return isType ? [] : [`${path}: ${specifier} has no owner; name one in packages/tools/src/checks/boundaries.ts`]
  if (place.folder !== undefined && owners[key]!.includes(place.folder)) return []
  return [`${path}: ${specifier} belongs to ${owners[key]!.join(' and ')}`]
}

function nameBreaches({ path, text }: SourceFile): string[] {
  const breaches: string[] = []
  if (drawers.test(path))
    breaches.push(`${path}: a file or folder named utils, common, helpers or misc says nothing; name what is in it`)
  const file = posix.basename(path)
  if (!/^[a-z0-9]+(-[a-z0-9]+)*(\.(property|test|bench|fuzz|gen))*\.ts$/.test(file))
    breaches.push(`${path}: file names are kebab-case`)
  for (const [, name] of text.matchAll(/^\s*(?:export\s+)?(?:abstract\s+)?(?:interface|class|type)\s+(\w+)/gm)) {
    if (/^I[A-Z][a-z]/.test(name!) && !/^I(pfix|p[A-Z]|d[A-Z])/.test(name!))
      breaches.push(`${path}: ${name} has an I prefix`)
    if (name!.endsWith('Manager')) breaches.push(`${path}: ${name} says nothing; name what it does`)
  }
  return breaches
}

function pureBreaches({ path, program }: SourceFile): string[] {
  const breaches = new Set<string>()
  visit(program, node => {
    if (node.type === 'MemberExpression' && node.object.type === 'Identifier' && node.property.type === 'Identifier') {
      if (node.object.name === 'Date' && node.property.name === 'now') breaches.add('Date.now()')
      if (node.object.name === 'Math' && node.property.name === 'random') breaches.add('Math.random()')
      if (impureGlobals.has(node.object.name)) breaches.add(node.object.name)
    }
    if (
      node.type === 'NewExpression' &&
      node.callee.type === 'Identifier' &&
      node.callee.name === 'Date' &&
      node.arguments.length === 0
    ) {
      breaches.add('new Date()')
    }
    if (node.type === 'CallExpression' && node.callee.type === 'Identifier' && impureGlobals.has(node.callee.name)) {
      breaches.add(node.callee.name)
    }
  })
  return [...breaches].map(what => `${path}: no I/O, no clock here, but ${what}; take it as a parameter`)
}
