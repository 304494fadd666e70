import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { analysisPage } from './reference/analysis.ts'
import { apiPage, describedApi, describedWebApi, webApiPage } from './reference/api.ts'
import { clientTypes } from './reference/client-types.ts'
import { cliPage } from './reference/cli.ts'
import { configurationPage } from './reference/configuration.ts'
import { faultsPage } from './reference/faults.ts'
import { limitsPage } from './reference/limits.ts'
import { declaredMetrics, metricsPage } from './reference/metrics.ts'
import { root, run } from './repository.ts'

/** The pages made from schemas, tables and declarations, by path. */
async function pages(): Promise<Readonly<Record<string, string>>> {
  const metrics = await declaredMetrics()
  const [api, webApi] = [await describedApi(), await describedWebApi()]
  return {
    'packages/client/src/coordinator-api.gen.ts': await clientTypes(api),
    'packages/client/src/front-api.gen.ts': await clientTypes(webApi),
    'docs/reference/configuration.md': configurationPage(),
    'docs/reference/limits.md': limitsPage(metrics),
    'docs/reference/api.md': apiPage(api),
    'docs/reference/web-api.md': webApiPage(webApi),
    'docs/reference/metrics.md': metricsPage(metrics),
    'docs/reference/faults.md': faultsPage(),
    'docs/reference/cli.md': cliPage(),
    'docs/reference/analysis.md': analysisPage()
  }
}

/** Generators that have a program of their own, with `--check`. */
const programs = ['packages/tools/src/generate-registry.ts']

/** Write every generated file. @returns the paths that changed. */
export async function generateAll(): Promise<string[]> {
  const changed: string[] = []
  for (const [path, text] of Object.entries(await pages())) {
    if (isCurrent(path, text)) continue
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
    changed.push(path)
  }
  for (const program of programs) {
    const { code, output } = run(process.execPath, [program])
    if (code !== 0) throw new Error(output)
  }
  return changed
}

/** What is not as the generators would write it, one line each. */
export async function generatedBreaches(): Promise<string[]> {
  const stale = Object.entries(await pages())
    .filter(([path, text]) => !isCurrent(path, text))
    .map(([path]) => `${path} is not current`)
  for (const program of programs) {
    const { code, output } = run(process.execPath, [program, '--check'])
    if (code !== 0) stale.push(...output.trimEnd().split('\n'))
  }
  return stale
}

const isCurrent = (path: string, text: string): boolean =>
  existsSync(join(root, path)) && readFileSync(join(root, path), 'utf8') === text
