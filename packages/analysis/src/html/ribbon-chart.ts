import { linkHorizontal } from 'd3-shape'
import { html } from './markup.ts'
import type { Markup } from './markup.ts'

/** What went from one to another. */
export interface Ribbon {
  readonly from: string
  readonly to: string
  readonly value: number
}

export interface RibbonOptions {
  readonly width: number
  readonly title: string
  readonly format: (value: number) => string
}

const ROW = 16
const GAP = 13
const LEAST = 1.5
const NODE = 9
const LABELS = 225
const TONES = 8

interface Side {
  readonly name: string
  readonly total: number
  readonly y: number
  readonly height: number
  /** Where the next ribbon begins. */
  used: number
}

/** Who sent how much to whom: senders on the left, receivers on the right, ribbons as thick as what went. */
export function ribbonChart(ribbons: readonly Ribbon[], { width, title, format }: RibbonOptions): Markup {
  const all = ribbons.filter(({ value }) => value > 0).toSorted((left, right) => right.value - left.value)
  const total = all.reduce((sum, { value }) => sum + value, 0)
  const senders = totalsOf(all, each => each.from)
  const receivers = totalsOf(all, each => each.to)
  const most = Math.max(senders.size, receivers.size)
  const height = most * (ROW + GAP)
  const scale = (height - most * (GAP + LEAST)) / Math.max(1, total)
  const left = sidesOf(senders, scale, height)
  const right = sidesOf(receivers, scale, height)
  const tones = new Map([...senders.keys()].map((name, n) => [name, n % TONES]))
  const link = linkHorizontal<unknown, [number, number]>()
  const bands = all.map(({ from, to, value }) => {
    const [source, target] = [left.get(from)!, right.get(to)!]
    const thick = Math.max(1, value * scale)
    const start: [number, number] = [LABELS + NODE, source.y + source.used + thick / 2]
    const end: [number, number] = [width - LABELS - NODE, target.y + target.used + thick / 2]
    source.used += thick
    target.used += thick
    const path = link({ source: start, target: end }) ?? ''
    return html`<path class="ribbon tone${tones.get(from) ?? 0}" d="${path}" stroke-width="${thick.toFixed(1)}"
      ><title>${from} → ${to}: ${format(value)}</title></path
    >`
  })
  const node = (side: Side, x: number, textX: number, anchor: string): Markup =>
    html`<rect
        class="node"
        x="${x}"
        y="${side.y.toFixed(1)}"
        width="${NODE}"
        height="${side.height.toFixed(1)}"
        rx="2"
      /><text class="name" x="${textX}" y="${(side.y + side.height / 2 + 4).toFixed(1)}" text-anchor="${anchor}"
        >${side.name}<title>${side.name}: ${format(side.total)}</title></text
      >`
  return html`<svg class="chart ribbons" viewBox="0 0 ${width} ${height + 4}" role="img" aria-label="${title}">
    ${bands} ${[...left.values()].map(side => node(side, LABELS, LABELS - 8, 'end'))}
    ${[...right.values()].map(side => node(side, width - LABELS - NODE, width - LABELS + 8, 'start'))}
  </svg>`
}

function totalsOf(ribbons: readonly Ribbon[], nameOf: (ribbon: Ribbon) => string): Map<string, number> {
  const totals = new Map<string, number>()
  for (const ribbon of ribbons) totals.set(nameOf(ribbon), (totals.get(nameOf(ribbon)) ?? 0) + ribbon.value)
  return new Map([...totals].toSorted((left, right) => right[1] - left[1]))
}

/** One under the other, in the middle of the height. */
function sidesOf(totals: ReadonlyMap<string, number>, scale: number, height: number): Map<string, Side> {
  const heights = [...totals.values()].map(total => Math.max(LEAST, total * scale))
  const free = height - heights.reduce((sum, each) => sum + each, 0)
  const gap = free / Math.max(1, heights.length)
  let y = gap / 2
  const sides = new Map<string, Side>()
  for (const [index, [name, total]] of [...totals].entries()) {
    sides.set(name, { name, total, y, height: heights[index], used: 0 })
    y += heights[index] + gap
  }
  return sides
}
