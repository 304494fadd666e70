import { fuzzWebApi } from '../support/api-fuzz/web-api-fuzz.ts'

// node test/fuzz/web-api.fuzz.ts [REQUESTS] [SEED]: requests made from the OpenAPI document, to a front with two pods that tell anything
// their own document allows. Ends at 25 failures, each with its seed.
const [inputs = 100_000, seed = Date.now() % 2 ** 31] = process.argv.slice(2).map(Number)
const requests = Math.min(inputs, 100_000)
const startMs = performance.now()
const { failures, statuses, unserved, routes } = await fuzzWebApi(requests, seed)
for (const failure of failures) console.log(JSON.stringify(failure, undefined, 2))
const seconds = ((performance.now() - startMs) / 1_000).toFixed(0)
const byStatus = [...statuses].toSorted(([one], [other]) => one - other).map(([status, count]) => `${status}: ${count}`)
console.log(
  `web API: ${requests} requests from seed ${seed} in ${seconds} s, ${routes - unserved.length} of ${routes} routes served (${byStatus.join(', ')})`
)
for (const route of unserved) console.log(`never served: ${route}`)
process.exitCode = failures.length === 0 ? 0 : 1
