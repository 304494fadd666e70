/** Controls, separators of lines and marks of direction: they would change how the text around them looks. */
// oxlint-disable-next-line no-control-regex
const unseen =
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff]/g

const escaped = (char: string): string => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`

/** Text in which nothing is unseen: what would change how the text around it looks stands as an escape (TH-39, TH-41). */
export const visibleText = (text: string): string => text.replaceAll(unseen, escaped).toWellFormed()
