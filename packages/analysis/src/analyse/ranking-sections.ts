import { html } from '../html/markup.ts'
import { exact, percent, short, withUnit } from '../html/quantity.ts'
import type { Content, Markup } from '../html/markup.ts'
import type { AnalysisReport } from './report-schema.ts'

const SHOWN = 20
const octets = (value: number): string => withUnit(value, 'B')

interface Sums {
  readonly flows: number
  readonly estimatedOctets: number
  readonly estimatedPackets: number
}

interface Listed extends Sums {
  readonly mayHaveMissed: { readonly octets: number; readonly packets: number; readonly flows: number } | null
}

interface Ranking<T> {
  readonly isComplete: boolean
  readonly distinct: number | null
  readonly kept: number
  readonly mostUnseen: { readonly octets: number; readonly packets: number; readonly flows: number } | null
  readonly byOctets: readonly T[]
  readonly byPackets: readonly T[]
  readonly byFlows: readonly T[]
}

/** A bar as wide as its share of the widest; a second part of it in another tone. */
export const bar = (value: number, most: number, second: number = 0): Markup => {
  const width = (part: number): string => (most <= 0 ? 0 : (100 * part) / most).toFixed(2)
  return html`<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
    <rect class="whole" width="100" height="8" />
    <rect class="first" width="${width(value)}" height="8" />
    ${second > 0 && html`<rect class="second" x="${width(value)}" width="${width(second)}" height="8" />`}
  </svg>`
}

/** A number that shows all its digits to the pointer. */
export const cell = (value: number, text: string): Markup =>
  html`<td class="number" title="${exact(value)}">${text}</td>`

/** Panes of which one is shown: radio buttons, no script. */
function tabs(heading: string, panes: readonly (readonly [title: string, pane: Markup])[]): Markup {
  const group = heading.toLowerCase().replaceAll(' ', '-')
  return html`<div class="tabs">
    ${panes.map(
      ([title], n) =>
        html`<input type="radio" name="${group}" id="${group}-${n}" ${n === 0 ? checked : ''} /><label
            for="${group}-${n}"
            >${title}</label
          >`
    )}
    <div class="panes">${panes.map(([, pane]) => html`<div>${pane}</div>`)}</div>
  </div>`
}

const checked = html`checked`

const measures = [
  ['by octets', 'byOctets', (each: Sums) => each.estimatedOctets],
  ['by packets', 'byPackets', (each: Sums) => each.estimatedPackets],
  ['by flows', 'byFlows', (each: Sums) => each.flows]
] as const

/** One list of talkers or ports, by each measure. */
export function rankingSection<T extends Listed>(
  title: string,
  about: string,
  ranking: Ranking<T>,
  nameOf: (entry: T) => Content
): Markup {
  if (ranking.byFlows.length === 0 && ranking.byOctets.length === 0) return html``
  return html`<section>
    <h2>${title}</h2>
    <p class="about">${about} ${extent(ranking)}</p>
    ${tabs(
      title,
      measures.map(([name, list, measure]) => {
        const entries = ranking[list].slice(0, SHOWN)
        const most = Math.max(...entries.map(measure))
        return [name, table(entries, nameOf, entry => bar(measure(entry), most))] as const
      })
    )}
  </section>`
}

function table<T extends Listed>(
  entries: readonly T[],
  nameOf: (entry: T) => Content,
  barOf: (entry: T) => Markup
): Markup {
  return html`<table class="ranking">
    <thead>
      <tr>
        <th>What</th>
        <th class="bars"></th>
        <th class="number">Octets</th>
        <th class="number">Packets</th>
        <th class="number">Flows</th>
      </tr>
    </thead>
    <tbody>
      ${entries.map(
        entry =>
          html`<tr>
            <td class="key">${nameOf(entry)}${missed(entry)}</td>
            <td class="bars">${barOf(entry)}</td>
            ${cell(entry.estimatedOctets, octets(entry.estimatedOctets))}
            ${cell(entry.estimatedPackets, short(entry.estimatedPackets))} ${cell(entry.flows, short(entry.flows))}
          </tr>`
      )}
    </tbody>
  </table>`
}

const missed = ({ mayHaveMissed }: Listed): Markup =>
  html`${
    mayHaveMissed !== null &&
    html` <span
      class="dim"
      title="Up to ${octets(mayHaveMissed.octets)} and ${short(mayHaveMissed.flows)} flows more, from before there was room for it"
      >±</span
    >`
  }`

const extent = <T>({ isComplete, distinct, mostUnseen }: Ranking<T>): string =>
  isComplete || mostUnseen === null
    ? `${exact(distinct ?? 0)} in all.`
    : `Not all fitted into the memory: one that is not listed can have had ${octets(mostUnseen.octets)} at most.`

/** Conversations, with both directions in one bar. */
export function conversationsSection(conversations: AnalysisReport['conversations']): Markup {
  if (conversations.byFlows.length === 0) return html``
  type Conversation = AnalysisReport['conversations']['byOctets'][number]
  const name = ({ a, b }: Conversation): Content => html`${a} <span class="dim">⇄</span> ${b}`
  const barsOf = (entries: readonly Conversation[], measure: (sums: Sums) => number) => {
    const most = Math.max(...entries.map(measure))
    return ({ aToB, bToA }: Conversation): Markup => bar(measure(aToB), most, measure(bToA))
  }
  return html`<section>
    <h2>Conversations</h2>
    <p class="about">
      Both directions of two addresses: <span class="swatch first"></span> from the first to the second,
      <span class="swatch second"></span> back. ${extent(conversations)}
    </p>
    ${tabs(
      'conversations',
      measures.map(([title, list, measure]) => {
        const entries = conversations[list].slice(0, SHOWN)
        return [title, table(entries, name, barsOf(entries, measure))] as const
      })
    )}
  </section>`
}

/** Protocols, and what TCP flows were like. */
export function mixSection({ protocols, tcpFlags, totals }: AnalysisReport): Markup {
  if (protocols.length === 0) return html``
  const byFlows = tcpFlags.slice(0, SHOWN / 2)
  const shares = protocols.slice(0, 8)
  let x = 0
  const segments = shares.map(({ name, estimatedOctets }, n) => {
    const width = totals.estimatedOctets === 0 ? 0 : (1000 * estimatedOctets) / totals.estimatedOctets
    const segment = html`<rect class="tone${n}" x="${x.toFixed(1)}" width="${width.toFixed(1)}" height="22"
      ><title>${name ?? 'not told'}: ${octets(estimatedOctets)}</title></rect
    >`
    x += width
    return segment
  })
  const most = Math.max(...byFlows.map(({ flows }) => flows))
  return html`<div class="pair">
    <section>
      <h2>Protocols</h2>
      <svg
        class="stack"
        viewBox="0 0 1000 22"
        preserveAspectRatio="none"
        role="img"
        aria-label="Share of octets by protocol"
      >
        ${segments}
      </svg>
      <table>
        <thead>
          <tr>
            <th>Protocol</th>
            <th class="number">Share</th>
            <th class="number">Octets</th>
            <th class="number">Packets</th>
            <th class="number">Flows</th>
          </tr>
        </thead>
        <tbody>
          ${protocols.slice(0, SHOWN).map(
            (each, n) =>
              html`<tr>
                <td class="key">
                  <svg class="dot" viewBox="0 0 8 8" aria-hidden="true">
                    <rect class="${n < 8 ? `tone${n}` : 'whole'}" width="8" height="8" rx="2" /></svg
                  >${each.name ?? 'not told'}
                </td>
                <td class="number">${percent(each.estimatedOctets, totals.estimatedOctets)}</td>
                ${cell(each.estimatedOctets, octets(each.estimatedOctets))}
                ${cell(each.estimatedPackets, short(each.estimatedPackets))} ${cell(each.flows, short(each.flows))}
              </tr>`
          )}
        </tbody>
      </table>
    </section>
    ${
      byFlows.length > 0 &&
      html`<section>
        <h2>TCP flags</h2>
        <p class="about">All flags of a flow together: CWR, ECE, URG, ACK, PSH, RST, SYN, FIN.</p>
        <table class="ranking">
          <thead>
            <tr>
              <th>Flags</th>
              <th class="bars"></th>
              <th class="number">Flows</th>
              <th class="number">Octets</th>
            </tr>
          </thead>
          <tbody>
            ${byFlows.map(
              each =>
                html`<tr>
                  <td class="key"><code>${each.text ?? 'not told'}</code></td>
                  <td class="bars">${bar(each.flows, most)}</td>
                  ${cell(each.flows, short(each.flows))} ${cell(each.estimatedOctets, octets(each.estimatedOctets))}
                </tr>`
            )}
          </tbody>
        </table>
      </section>`
    }
  </div>`
}
