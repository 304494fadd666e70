import { visibleText } from '../text/visible-text.ts'

/** Text of HTML or SVG that is safe as it is: what was put into it has been escaped. */
export class Markup {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }

  toString(): string {
    return this.text
  }
}

export type Content = Markup | string | number | null | undefined | false | readonly Content[]

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;'
}

/** What is not seen as escapes, and what HTML would take for its own as entities (TH-41). */
const escapeHtml = (text: string): string => visibleText(text).replaceAll(/[&<>"']/g, each => entities[each])

function textOf(content: Content): string {
  if (content === null || content === undefined || content === false) return ''
  if (content instanceof Markup) return content.text
  if (Array.isArray(content)) return (content as readonly Content[]).map(textOf).join('')
  return escapeHtml(String(content))
}

/** A template of HTML: everything that is put into it is escaped, unless it is {@link Markup}. For text and quoted attributes. */
export function html(parts: TemplateStringsArray, ...contents: readonly Content[]): Markup {
  let text = parts[0]
  for (const [index, content] of contents.entries()) text += textOf(content) + parts[index + 1]
  return new Markup(text)
}
