const prefixes = ['', 'k', 'M', 'G', 'T', 'P', 'E']

/** Three digits and a prefix of 1000s: `1.24 M`, `986`; below 0.1 two: `0.0012`. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return '–'
  let scaled = Math.abs(value)
  let prefix = 0
  while (scaled >= 999.5 && prefix < prefixes.length - 1) {
    scaled /= 1000
    prefix++
  }
  const isWhole = prefix === 0 && Number.isInteger(scaled)
  if (scaled > 0 && scaled < 0.1) return String(Number(value.toPrecision(2))).replace('-', '−')
  const digits = isWhole || scaled >= 100 ? 0 : scaled >= 10 ? 1 : 2
  return `${value < 0 ? '−' : ''}${scaled.toFixed(digits)}${prefix === 0 ? '' : ` ${prefixes[prefix]}`}`
}

/** With a unit: `1.24 MB`, `986 B`. */
export function withUnit(value: number, unit: string): string {
  const text = short(value)
  return /[a-zA-Z]$/.test(text) ? `${text}${unit}` : `${text} ${unit}`
}

/** All digits, in groups: `1,234,567`. */
export const exact = (value: number): string => new Intl.NumberFormat('en-US').format(value)

/** `12.3 %`; what is there but small is `< 0.1 %`. */
export function percent(part: number, whole: number): string {
  if (whole <= 0) return '–'
  const share = (100 * part) / whole
  if (share > 0 && share < 0.1) return '< 0.1 %'
  return `${share === 100 || share === 0 ? share : share.toFixed(1)} %`
}

/** `2 h 5 min`, `34 s`: the two largest units. */
export function duration(milliseconds: number): string {
  const units: readonly (readonly [string, number])[] = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['min', 60_000],
    ['s', 1000]
  ]
  let rest = milliseconds
  const parts: string[] = []
  for (const [unit, size] of units) {
    const count = Math.floor(rest / size)
    if (count > 0 && parts.length < 2) parts.push(`${count} ${unit}`)
    rest -= count * size
  }
  return parts.length === 0 ? `${Math.round(milliseconds)} ms` : parts.join(' ')
}

/** `2026-11-21 06:14:56`, UTC. */
export const clock = (iso: string): string => iso.slice(0, 19).replace('T', ' ')
