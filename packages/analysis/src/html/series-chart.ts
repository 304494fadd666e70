import { scaleLinear, scaleUtc } from 'd3-scale'
import { area, curveStepAfter, line } from 'd3-shape'
import { html } from './markup.ts'
import type { Markup } from './markup.ts'

/** One value for each stretch of time, all of one length, without a gap. */
export interface ChartSeries {
  readonly startMs: number
  readonly binMs: number
  readonly values: readonly number[]
}

export interface ChartOptions {
  readonly width: number
  readonly height: number
  /** For those who do not see it. */
  readonly title: string
  /** Text of a value: on the axis, and where the pointer is. */
  readonly format: (value: number) => string
  /** Class that gives it its colour. */
  readonly tone: string
  /** Tell each value where the pointer is; that is most of the octets of a chart. */
  readonly hasHints: boolean
}

const MARGIN = { top: 10, right: 8, bottom: 24, left: 62 }
const DAY_MS = 86_400_000
const TICK_WIDTH = 110

/** A step chart as SVG: each value holds for its bin. Colours come from classes, so that a style sheet may change them. */
export function seriesChart({ startMs, binMs, values }: ChartSeries, options: ChartOptions): Markup {
  const { width, height, title, format, tone, hasHints } = options
  const endMs = startMs + binMs * values.length
  const x = scaleUtc([new Date(startMs), new Date(endMs)], [MARGIN.left, width - MARGIN.right])
  const y = scaleLinear([0, Math.max(...values) || 1], [height - MARGIN.bottom, MARGIN.top]).nice(4)
  // The last step is drawn to its end.
  const points = [...values, values.at(-1) ?? 0].map((value, n): [number, number] => [x(startMs + n * binMs), y(value)])
  const base = y(0)
  const shape = area<[number, number]>()
    .x(point => point[0])
    .y0(base)
    .y1(point => point[1])
    .curve(curveStepAfter)
    .digits(1)
  const edge = line<[number, number]>().curve(curveStepAfter).digits(1)
  const ticks = x.ticks(Math.max(2, Math.floor(width / TICK_WIDTH)))
  const label = (date: Date): string => tickText(date, endMs - startMs)
  return html`<svg class="chart ${tone}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}">
    ${y
      .ticks(4)
      .map(
        value =>
          html`<line
              class="grid"
              x1="${MARGIN.left}"
              x2="${width - MARGIN.right}"
              y1="${y(value)}"
              y2="${y(value)}"
            /><text class="tick" x="${MARGIN.left - 8}" y="${y(value) + 4}" text-anchor="end"
              >${format(value).replace(/\.0+(?=\D|$)/, '')}</text
            >`
      )}
    ${ticks.map(
      date =>
        html`<line class="mark" x1="${x(date)}" x2="${x(date)}" y1="${base}" y2="${base + 5}" /><text
            class="tick"
            x="${x(date)}"
            y="${base + 18}"
            text-anchor="middle"
            >${label(date)}</text
          >`
    )}
    <path class="area" d="${shape(points) ?? ''}" />
    <path class="edge" d="${edge(points) ?? ''}" />
    <line class="axis" x1="${MARGIN.left}" x2="${width - MARGIN.right}" y1="${base}" y2="${base}" />
    ${
      hasHints &&
      values.map(
        (value, n) =>
          html`<rect
            class="hint"
            x="${points[n][0].toFixed(1)}"
            y="${MARGIN.top}"
            width="${(points[n + 1][0] - points[n][0]).toFixed(2)}"
            height="${base - MARGIN.top}"
            ><title>
              ${new Date(startMs + n * binMs).toISOString().slice(0, 19).replace('T', ' ')}: ${format(value)}
            </title></rect
          >`
      )
    }
  </svg>`
}

function tickText(date: Date, spanMs: number): string {
  const iso = date.toISOString()
  if (spanMs > 200 * DAY_MS) return iso.slice(0, 7)
  if (spanMs > 4 * DAY_MS) return iso.slice(5, 10)
  const isMidnight = iso.slice(11, 19) === '00:00:00'
  if (isMidnight && spanMs > DAY_MS / 4) return iso.slice(5, 10)
  return spanMs < 600_000 ? iso.slice(11, 19) : iso.slice(11, 16)
}
