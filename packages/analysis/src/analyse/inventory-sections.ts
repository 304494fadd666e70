import { html } from '../html/markup.ts'
import { clock, exact, percent, short, withUnit } from '../html/quantity.ts'
import { bar, cell } from './ranking-sections.ts'
import type { Markup } from '../html/markup.ts'
import type { AnalysisReport } from './report-schema.ts'

const SHOWN_EXPORTERS = 50
const SHOWN_TEMPLATES = 50
const SHOWN_ELEMENTS = 200

const versionNames: Readonly<Record<number, string>> = {
  1: 'NetFlow v1',
  5: 'NetFlow v5',
  7: 'NetFlow v7',
  9: 'NetFlow v9',
  10: 'IPFIX'
}

const rest = (shown: number, all: number, what: string): Markup =>
  html`${all > shown && html`<p class="about">${exact(all - shown)} more ${what} are in report.json.</p>`}`

export function exportersSection({ exporters: { list, count } }: AnalysisReport): Markup {
  if (list.length === 0) return html``
  return html`<section>
    <h2>Exporters</h2>
    <p class="about">
      ${exact(count)} Observation Domains of sessions. What is missing is told by sequence numbers, in the unit of the
      version.
    </p>
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th>Exporter</th>
            <th>Domain</th>
            <th>Version</th>
            <th>Sent</th>
            <th class="number">Messages</th>
            <th class="number">Records</th>
            <th class="number">Octets</th>
            <th class="number">Sampling</th>
            <th class="number">Missing</th>
          </tr>
        </thead>
        <tbody>
          ${list.slice(0, SHOWN_EXPORTERS).map(exporterRow)}
        </tbody>
      </table>
    </div>
    ${rest(SHOWN_EXPORTERS, count, 'domains')}
  </section>`
}

function exporterRow(each: AnalysisReport['exporters']['list'][number]): Markup {
  const { sequence, sampling } = each
  const units = sequence.unit === 'messages' ? each.messages : each.records
  const missing =
    sequence.unit === 'none' ? '–' : sequence.lost === 0 ? '0' : `${short(sequence.lost)} ${sequence.unit}`
  return html`<tr>
    <td class="key">
      ${each.address === '' ? html`<span class="dim">not told</span>` : each.address}${each.port > 0 && html`<span class="dim">:${each.port}</span>`}
    </td>
    <td>${each.observationDomainId}</td>
    <td>${versionNames[each.version] ?? each.version}</td>
    <td class="time">
      ${each.firstExport !== null && clock(each.firstExport)}${each.lastExport !== null && each.lastExport !== each.firstExport && html` – ${clock(each.lastExport)}`}
    </td>
    ${cell(each.messages, short(each.messages))} ${cell(each.records, short(each.records))}
    ${cell(each.estimatedOctets, withUnit(each.estimatedOctets, 'B'))}
    <td class="number">${samplingText(sampling)}</td>
    <td class="number ${sequence.lost > 0 ? 'bad' : ''}" title="${exact(sequence.lost)}">
      ${missing}${sequence.lost > 0 && html` <span class="dim">${percent(sequence.lost, sequence.lost + units)}</span>`}
    </td>
  </tr>`
}

function samplingText({ leastRate, greatestRate }: AnalysisReport['exporters']['list'][number]['sampling']): string {
  if (leastRate === null || greatestRate === null) return 'unknown'
  return leastRate === greatestRate ? `1 in ${short(leastRate)}` : `1 in ${short(leastRate)} to ${short(greatestRate)}`
}

export function templatesSection({ templates: { list, count } }: AnalysisReport): Markup {
  if (list.length === 0) return html``
  return html`<section>
    <h2>Templates</h2>
    <p class="about">${exact(count)} definitions. Open one to see its fields.</p>
    ${list.slice(0, SHOWN_TEMPLATES).map(templateDetails)} ${rest(SHOWN_TEMPLATES, count, 'definitions')}
  </section>`
}

function templateDetails(each: AnalysisReport['templates']['list'][number]): Markup {
  return html`<details>
    <summary>
      <b>${each.templateId ?? 'fixed'}</b>
      <span>${each.exporter === '' ? 'exporter not told' : each.exporter}, domain ${each.observationDomainId}</span>
      ${each.isOptions && html`<span class="tag">options</span>`}
      ${each.redefinitions > 0 && html`<span class="tag bad">redefined${each.redefinitions > 1 && ` ${each.redefinitions} times`}</span>`}
      <span class="right">${short(each.records)} records, ${each.fields.length} fields</span>
    </summary>
    <ol class="fields">
      ${each.fields.map(({ name, pen, id, length, isScope }) => html`<li class="${isScope ? 'scope' : ''}">${name} <span class="dim">${pen === 0 ? id : `${pen}/${id}`} · ${length === 'variable' ? 'variable' : `${length} B`}${isScope && ' · scope'}</span></li>`)}
    </ol>
  </details>`
}

export function elementsSection({ elements }: AnalysisReport): Markup {
  if (elements.length === 0) return html``
  return html`<section>
    <h2>Information Elements</h2>
    <p class="about">Share of the Data Records that have them, as the exporters wrote them.</p>
    <div class="columns">
      <table class="ranking">
        <thead>
          <tr>
            <th>Element</th>
            <th class="bars"></th>
            <th class="number">Share</th>
            <th class="number">Records</th>
          </tr>
        </thead>
        <tbody>
          ${elements.slice(0, SHOWN_ELEMENTS).map(
            each =>
              html`<tr>
                <td class="key">
                  ${each.name} <span class="dim">${each.pen === 0 ? each.id : `${each.pen}/${each.id}`}</span>
                </td>
                <td class="bars">${bar(each.share, 1)}</td>
                <td class="number">${percent(each.share, 1)}</td>
                ${cell(each.records, short(each.records))}
              </tr>`
          )}
        </tbody>
      </table>
    </div>
    ${rest(SHOWN_ELEMENTS, elements.length, 'elements')}
  </section>`
}

export function faultsSection({ faults }: AnalysisReport): Markup {
  if (faults.length === 0) return html``
  return html`<section>
    <h2>What was wrong in the input</h2>
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th>Fault</th>
            <th class="number">Times</th>
            <th>What it means</th>
          </tr>
        </thead>
        <tbody>
          ${faults.map(
            ({ code, count, meaning }) =>
              html`<tr>
                <td class="key"><code>${code}</code></td>
                ${cell(count, short(count))}
                <td>${meaning}</td>
              </tr>`
          )}
        </tbody>
      </table>
    </div>
  </section>`
}
