import { cpus } from 'node:os'
import { getHeapStatistics } from 'node:v8'

/** Run a case until it is warm, then several times; print the median and what was allocated. */
export function measure(id: string, records: number, once: () => number): void {
  const warmUntil = performance.now() + 1500
  let outOctets = 0
  while (performance.now() < warmUntil) outOctets = once()
  const runs: number[] = []
  let rounds = 0
  const allocatedBefore = allocatedOctets()
  for (let run = 0; run < 7; run++) {
    const start = performance.now()
    let done = 0
    while (performance.now() - start < 200) {
      once()
      done++
    }
    rounds += done
    runs.push(((performance.now() - start) * 1e6) / (done * records))
  }
  const allocated = (allocatedOctets() - allocatedBefore) / (rounds * records)
  runs.sort((a, b) => a - b)
  const [least, median, most] = [runs[0], runs[3], runs[6]]
  console.log(
    `${id}: ${median.toFixed(1)} ns/record (${least.toFixed(1)}-${most.toFixed(1)}), ` +
      `${(1000 / median).toFixed(2)} Mrec/s, ${allocated.toFixed(2)} octets allocated/record, ` +
      `${(outOctets / records).toFixed(0)} octets written/record`
  )
}

function allocatedOctets(): number {
  return (
    (getHeapStatistics() as { total_allocated_bytes?: number }).total_allocated_bytes ?? process.memoryUsage().heapUsed
  )
}

/** The line that tells what was measured on. */
export function printMachine(): void {
  console.log(
    `Node ${process.version}, V8 ${process.versions.v8}, ${cpus()[0]?.model ?? 'unknown CPU'}, ${cpus().length} CPUs`
  )
}
