import { createHash } from 'node:crypto'
import { html } from '../html/markup.ts'
import { clock, duration, exact, percent, short, withUnit } from '../html/quantity.ts'
import { pageStyle } from '../html/page-style.ts'
import { ribbonChart } from '../html/ribbon-chart.ts'
import { seriesChart } from '../html/series-chart.ts'
import { elementsSection, exportersSection, faultsSection, templatesSection } from './inventory-sections.ts'
import { conversationsSection, mixSection, rankingSection } from './ranking-sections.ts'
import type { Markup } from '../html/markup.ts'
import type { Ribbon } from '../html/ribbon-chart.ts'
import type { AnalysisReport } from './report-schema.ts'

const RIBBONS = 24
const WIDE = 1080
const HALF = 520
const NARROW = 430

const octets = (value: number): string => withUnit(value, 'B')
const bitRate = (value: number): string => withUnit(value, 'bit/s')

/**
 * A report as one page of HTML that needs nothing else: no script, no network, no other file. Its style is allowed by its
 * hash, so that the page may be served under any Content-Security-Policy that leaves the page's own in force.
 */
export function reportPage(report: AnalysisReport): string {
  const style = createHash('sha256').update(pageStyle).digest('base64')
  const policy = `default-src 'none'; style-src 'sha256-${style}'; base-uri 'none'; form-action 'none'`
  const body = html`<header>
      <p class="brand">Weir</p>
      <h1>Flow analysis</h1>
      <p class="inputs">${inputsText(report)}</p>
    </header>
    <main>
      ${notes(report)} ${tiles(report)} ${series(report)} ${ribbons(report)}
      <div class="pair">
        ${rankingSection('Top sources', 'What these addresses sent.', report.sources, ({ address }) => address)}
        ${rankingSection('Top destinations', 'What was sent to these.', report.destinations, ({ address }) => address)}
      </div>
      ${conversationsSection(report.conversations)} ${mixSection(report)}
      <div class="pair">
        ${rankingSection('Destination ports', 'What was asked for.', report.destinationPorts, portText)}
        ${rankingSection('Source ports', 'Where it came from.', report.sourcePorts, portText)}
      </div>
      ${exportersSection(report)} ${templatesSection(report)} ${elementsSection(report)} ${faultsSection(report)}
    </main>
    <footer>
      <p>
        Octets and packets are estimated: as the records say, times the sampling rate of each record. Numbers are in
        thousands (1 kB = 1000 octets), times in UTC. report.json beside this page has every number in full, and what
        the records say before the estimate.
      </p>
    </footer>`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<title>Flow analysis</title>
<style>${pageStyle}</style>
</head>
<body>
${body.text}
</body>
</html>
`
}

function inputsText({ inputs, filter, timeSpan: { firstFlow, lastFlow } }: AnalysisReport): Markup {
  const [first, ...others] = inputs
  const more = others.length === 0 ? '' : ` and ${others.length} more`
  const span = firstFlow === null || lastFlow === null ? '' : `${clock(firstFlow)} to ${clock(lastFlow)} UTC`
  return html`<b title="${inputs.map(({ name }) => name).join(', ')}">${first?.name}${more}</b>
    ${span !== '' && html`<span>${span}</span>`} ${filter !== null && html`<code>${filter}</code>`}`
}

const portText = ({ port, protocolName, service }: AnalysisReport['sourcePorts']['byOctets'][number]): Markup =>
  html`${port}<span class="dim">/${protocolName}${service === null ? '' : ` ${service}`}</span>`

function spanMs({ timeSpan: { firstFlow, lastFlow } }: AnalysisReport): number {
  return firstFlow === null || lastFlow === null ? 0 : Date.parse(lastFlow) - Date.parse(firstFlow)
}

function tiles(report: AnalysisReport): Markup {
  const { totals, conversations, sources, destinations, exporters } = report
  const time = spanMs(report)
  const lost = exporters.list.reduce((sum, { sequence }) => sum + sequence.lost, 0)
  const isSampled = totals.estimatedOctets !== totals.octets
  const distinct = ({ distinct: count, kept }: { distinct: number | null; kept: number }): string =>
    count === null ? `over ${short(kept)}` : short(count)
  const tile = (title: string, value: string, more: string): Markup =>
    html`<div class="tile">
      <dt>${title}</dt>
      <dd>${value}<small>${more}</small></dd>
    </div>`
  return html`<dl class="tiles">
    ${tile('Traffic', octets(totals.estimatedOctets), isSampled ? `${octets(totals.octets)} before the estimate` : 'not sampled')}
    ${tile('Packets', short(totals.estimatedPackets), totals.estimatedPackets === 0 ? '' : `${octets(totals.estimatedOctets / totals.estimatedPackets)} each`)}
    ${tile('Flows', short(totals.flows), `${short(totals.records)} records`)}
    ${tile('Average rate', time === 0 ? '–' : bitRate((8000 * totals.estimatedOctets) / time), time === 0 ? 'all at one moment' : `over ${duration(time)}`)}
    ${tile('Conversations', distinct(conversations), `${distinct(sources)} sources, ${distinct(destinations)} destinations`)}
    ${tile('Exporters', short(exporters.count), lost === 0 ? 'nothing missing by sequence' : `${short(lost)} missing by sequence`)}
  </dl>`
}

/** What a reader has to know before believing the numbers. */
function notes({ totals, coverage, series: { areOldTimesBelieved }, inputs, sources }: AnalysisReport): Markup {
  const share = (count: number): string => percent(count, totals.records)
  const all: [isSo: boolean, text: string][] = [
    [totals.records === 0, 'No record was counted: there is none in the input, or none that the filter takes.'],
    [
      inputs.some(({ fault }) => fault !== null),
      `Not read to the end: ${inputs.find(({ fault }) => fault !== null)?.fault}`
    ],
    [
      totals.setsWithoutTemplate > 0,
      `${exact(totals.setsWithoutTemplate)} Data Sets could not be read: their templates are not in the input.`
    ],
    [totals.malformedMessages > 0, `${exact(totals.malformedMessages)} Messages were malformed and are left out.`],
    [
      coverage.unknownSampling > 0,
      `The sampling of ${share(coverage.unknownSampling)} of the records is not known: they are counted as if nothing had been sampled.`
    ],
    [
      areOldTimesBelieved,
      `${share(coverage.untimely)} of the records tell of times long before they were sent, as those of an exporter that replays a recording: the times of the flows are shown.`
    ],
    [
      coverage.untimely > 0 && !areOldTimesBelieved,
      `${share(coverage.untimely)} of the records have times that cannot be: they are shown when they were sent.`
    ],
    [
      !sources.isComplete,
      'There were more addresses than fit into the memory: light ones were let go, and the lists say what may be missing.'
    ]
  ]
  const said = all.filter(([isSo]) => isSo)
  return html`${
    said.length > 0 &&
    html`<ul class="notes">
      ${said.map(([, text]) => html`<li>${text}</li>`)}
    </ul>`
  }`
}

function series({ series: { bins, binSeconds } }: AnalysisReport): Markup {
  if (bins.length < 2) return html``
  const startMs = Date.parse(bins[0].start)
  type Values = readonly number[]
  const chart = (
    title: string,
    tone: string,
    values: Values,
    format: (value: number) => string,
    width: number
  ): Markup => {
    const of = { startMs, binMs: 1000 * binSeconds, values }
    const options = { title, format, tone, height: 200 }
    return html`<figure>
      <figcaption>${title}</figcaption>
      <div class="wide">${seriesChart(of, { ...options, width, hasHints: width === WIDE })}</div>
      <div class="narrow">${seriesChart(of, { ...options, width: NARROW, hasHints: false })}</div>
    </figure>`
  }
  const rateOf = (value: number): number => value / binSeconds
  return html`<section>
    <h2>Over time</h2>
    <p class="about">
      Octets and packets are spread evenly over the time of their flow; one step is ${duration(1000 * binSeconds)}.
    </p>
    ${chart(
      'Bits a second',
      'toneTraffic',
      bins.map(bin => 8 * rateOf(bin.octets)),
      bitRate,
      WIDE
    )}
    <div class="pair charts">
      ${chart(
        'Packets a second',
        'tonePackets',
        bins.map(bin => rateOf(bin.packets)),
        short,
        HALF
      )}
      ${chart(
        'Flows that begin, a second',
        'toneFlows',
        bins.map(bin => rateOf(bin.flows)),
        short,
        HALF
      )}
    </div>
  </section>`
}

function ribbons({ conversations }: AnalysisReport): Markup {
  const all = conversations.byOctets
    .flatMap(({ a, b, aToB, bToA }): Ribbon[] => [
      { from: a, to: b, value: aToB.estimatedOctets },
      { from: b, to: a, value: bToA.estimatedOctets }
    ])
    .filter(({ value }) => value > 0)
    .toSorted((left, right) => right.value - left.value)
    .slice(0, RIBBONS)
  if (all.length < 2) return html``
  const title = 'Who sent how much to whom'
  return html`<section class="wide">
    <h2>${title}</h2>
    <p class="about">The ${all.length} heaviest directions of the heaviest conversations; senders on the left.</p>
    ${ribbonChart(all, { width: WIDE, title, format: octets })}
  </section>`
}
