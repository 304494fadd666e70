import { constants, createWriteStream, openAsBlob } from 'node:fs'
import { access, mkdir, rename, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { baseOf, send } from '@weir/client'
import type { ApiOptions, FrontClient, FrontPaths } from '@weir/client'
import { CodedError, errorMessage, exitCodes } from '@weir/runtime'

type Answer<Route extends { get: unknown }> = Route['get'] extends {
  responses: { 200: { content: { 'application/json': infer Body } } }
}
  ? Body
  : never

export type Job = Answer<FrontPaths['/api/v1/jobs/{id}']>

const UPLOAD_MS = 3_600_000
const POLL_MS = 300
const UPLOAD_ID = /^u[0-9a-f]{32}$/

/** Bring a file. @param file - a path, or the id of an upload that is there. @returns the id. */
export async function uploadOf(options: ApiOptions, file: string): Promise<string> {
  if (UPLOAD_ID.test(file)) return file
  const body = await blobOf(file)
  const url = `${baseOf(options)}/api/v1/uploads?${new URLSearchParams({ name: nameOf(file) })}`
  const headers = { 'content-type': 'application/octet-stream' }
  const response = await send(new Request(url, { method: 'POST', body, headers }), { ...options, timeoutMs: UPLOAD_MS })
  return ((await response.json()) as { id: string }).id
}

/** Delete uploads; one that stays is told of, and is no reason to fail. */
export async function discard(client: FrontClient, ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    await client.DELETE('/api/v1/uploads/{id}', { params: { path: { id } } }).catch((error: unknown) => {
      process.stderr.write(`weir: upload ${id} could not be deleted: ${errorMessage(error)}\n`)
    })
  }
}

/** Say which uploads stay, and how they go. */
export function tellKept(ids: readonly string[]): void {
  for (const id of ids) {
    process.stderr.write(`weir: upload ${id} is kept; weir ctl job delete-upload ${id} deletes it\n`)
  }
}

/** A file that can be read: a folder, or one of somebody else, would only fail while it is sent, as if the API were away. */
async function blobOf(file: string): Promise<Blob> {
  try {
    if ((await stat(file)).isDirectory()) throw new Error('it is a folder')
    await access(file, constants.R_OK)
    return await openAsBlob(file)
  } catch (error) {
    throw new CodedError('FILE_UNREADABLE', `${file} cannot be read: ${errorMessage(error)}.`, exitCodes.noInput)
  }
}

/** As the API takes names. */
const nameOf = (file: string): string =>
  basename(file)
    .replaceAll(/[^A-Za-z0-9._-]/g, '_')
    .replace(/^[._-]+/, '')
    .slice(-128) || 'upload'

/**
 * Wait for the end of a job.
 *
 * @param signal - stops the waiting, not the job.
 * @param onJob - each time it was asked for.
 */
export async function endOf(
  client: FrontClient,
  id: string,
  signal: AbortSignal,
  onJob: (job: Job) => void
): Promise<Job | undefined> {
  while (!signal.aborted) {
    const { data } = await client.GET('/api/v1/jobs/{id}', { params: { path: { id } } })
    onJob(data!)
    if (data!.finishedAtMs !== null) return data!
    await new Promise<void>(resolve => {
      const timer = setTimeout(resolve, POLL_MS)
      signal.addEventListener('abort', () => [clearTimeout(timer), resolve()], { once: true })
    })
  }
  return undefined
}

/** Write the files of a job into a folder, whole or not at all. @returns their paths. */
export async function download(options: ApiOptions, { id, result }: Job, folder: string): Promise<string[]> {
  await mkdir(folder, { recursive: true })
  const paths: string[] = []
  for (const { name, href } of result?.files ?? []) {
    const response = await send(new Request(baseOf(options) + href), { ...options, timeoutMs: UPLOAD_MS })
    // What another machine calls it is a name in this folder, whatever it is.
    const path = join(folder, basename(name))
    const part = `${path}.${id}.part`
    await pipeline(Readable.fromWeb(response.body as never), createWriteStream(part))
    await rename(part, path)
    paths.push(path)
  }
  return paths
}
