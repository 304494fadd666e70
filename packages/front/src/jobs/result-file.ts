import { constants, open } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { HttpProblem, notFound } from '@weir/http/problem'
import type { JobFolders } from './job-folders.ts'
import { isFileName } from './file-name.ts'
import type { Job, JobFile } from './job.ts'

/** What the headers of a request say of the file they want. */
export interface FileConditions {
  readonly range?: string | undefined
  readonly ifRange?: string | undefined
  readonly ifNoneMatch?: string | undefined
}

export interface FileAnswer {
  readonly status: 200 | 206 | 304
  readonly headers: Readonly<Record<string, string>>
  readonly body: Readable | null
}

// Scripts and styles of its own and nothing else: no cookies, no requests, no way to the page around it.
const htmlPolicy =
  "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"

/**
 * A file of a result, or the part of it that is asked for (RFC 9110 §14).
 *
 * @throws HttpProblem 404; 416 if there is no such part.
 */
export async function resultFile(
  folders: JobFolders,
  job: Job,
  name: string,
  conditions: FileConditions
): Promise<FileAnswer> {
  const file = isFileName(name) ? job.result?.files.find(each => each.name === name) : undefined
  if (file === undefined) throw notFound('file', name, `GET /api/v1/jobs/${job.id}/result lists those of this job`)
  const headers = headersOf(file)
  if (matches(conditions.ifNoneMatch, headers.etag)) return { status: 304, headers, body: null }
  const isPart = conditions.range !== undefined && (conditions.ifRange ?? headers.etag) === headers.etag
  const part = isPart ? partOf(conditions.range!, file.octets) : undefined
  const [start, end] = part ?? [0, file.octets - 1]
  const body = await openFile(join(folders.resultOf(job.id), name), file, start, end)
  const length = { 'content-length': String(end - start + 1) }
  if (part === undefined) return { status: 200, headers: { ...headers, ...length }, body }
  return {
    status: 206,
    headers: { ...headers, ...length, 'content-range': `bytes ${start}-${end}/${file.octets}` },
    body
  }
}

function headersOf({ name, mediaType, sha256 }: JobFile): { readonly etag: string } & Record<string, string> {
  const isPage = /^text\/html\b/.test(mediaType)
  return {
    etag: `"${sha256}"`,
    'content-type': mediaType,
    'content-disposition': `${isPage ? 'inline' : 'attachment'}; filename="${name}"`,
    'content-security-policy': isPage ? htmlPolicy : "sandbox; default-src 'none'",
    'accept-ranges': 'bytes',
    'cache-control': 'private, no-cache'
  }
}

async function openFile(path: string, { octets, name }: JobFile, start: number, end: number): Promise<Readable> {
  const gone = (): HttpProblem =>
    notFound('file', name, 'it was removed from the folder of the jobs; try the job again')
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(() => {
    throw gone()
  })
  const facts = await file.stat()
  if (!facts.isFile() || facts.size !== octets) {
    await file.close()
    throw gone()
  }
  return file.createReadStream({ start, end: Math.max(start, end) })
}

const matches = (ifNoneMatch: string | undefined, etag: string): boolean =>
  ifNoneMatch !== undefined &&
  (ifNoneMatch.trim() === '*' || ifNoneMatch.split(',').some(each => each.trim().replace(/^W\//, '') === etag))

/** @returns first and last octet; undefined: the range is none that we serve, so the whole is answered. */
function partOf(range: string, octets: number): readonly [first: number, last: number] | undefined {
  const [, from, to] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(range) ?? []
  if (from === undefined || to === undefined || (from === '' && to === '')) return undefined
  if (from !== '' && to !== '' && Number(to) < Number(from)) return undefined
  const first = from === '' ? Math.max(0, octets - Number(to)) : Number(from)
  const last = from === '' || to === '' ? octets - 1 : Math.min(Number(to), octets - 1)
  if (first < octets && (from !== '' || Number(to) > 0)) return [first, last]
  const detail = `The file has ${octets} octets; there is no ${range}.`
  throw new HttpProblem(416, 'RANGE', detail, undefined, { 'content-range': `bytes */${octets}` })
}
