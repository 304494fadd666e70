import type { ElementRegistry } from '@weir/ipfix'
import { namedFields, pseudoFields } from './field-names.ts'
import type { NamedFields } from './field-names.ts'
import { FilterError } from './filter-error.ts'
import { filterLimits } from './filter.ts'
import type { Filter, FilterNode, Order, TextMatch } from './filter.ts'
import { tokensOf } from './lexer.ts'
import type { Token } from './lexer.ts'
import { TestBuilder } from './test-builder.ts'

const keywords: ReadonlySet<string> = new Set(['and', 'or', 'not', 'in', 'has', 'contains', 'startswith'])
const orders: ReadonlySet<string> = new Set<Order>(['<', '<=', '>', '>='])

const aTest = 'a field and a comparison, has FIELD, not, or "("'
const aField = `the name of an element, field:PEN/ID, ${[...pseudoFields.keys()].join(', ')}`

/**
 * Read a filter.
 *
 * ```
 * filter     = and { "or" and }
 * and        = not { "and" not }
 * not        = "not" not | "(" filter ")" | "has" FIELD | FIELD comparison
 * comparison = ( "=" | "!=" | "<" | "<=" | ">" | ">=" ) value
 *            | "in" ( value | "(" value { "," value } ")" ) | ( "contains" | "startswith" ) TEXT
 * ```
 *
 * The time it takes grows with the length of the text alone.
 *
 * @param registry - what names mean; kept.
 * @throws FilterError with the place and what may stand there.
 */
export function parseFilter(text: string, registry: ElementRegistry): Filter {
  const root = new Parser(text, registry).parse()
  return { text, root, key: JSON.stringify(root), registry }
}

class Parser {
  readonly #tokens: readonly Token[]
  readonly #registry: ElementRegistry
  #at = 0
  #depth = 0
  #nodes = 0

  constructor(text: string, registry: ElementRegistry) {
    this.#tokens = tokensOf(text)
    this.#registry = registry
  }

  parse(): FilterNode {
    if (this.#isEnd) throw this.#wrong('the filter is empty', aTest)
    const root = this.#any()
    if (!this.#isEnd) throw this.#unexpected('and, or, or the end')
    return root
  }

  #any(): FilterNode {
    return this.#chain('or', () => this.#chain('and', () => this.#one()))
  }

  #chain(kind: 'and' | 'or', next: () => FilterNode): FilterNode {
    const first = next()
    if (!this.#isWord(kind)) return first
    this.#count()
    const nodes = [first]
    while (this.#isWord(kind)) {
      this.#at++
      nodes.push(next())
    }
    return { kind, nodes }
  }

  #one(): FilterNode {
    if (this.#isWord('not')) {
      this.#count()
      return { kind: 'not', node: this.#deeper(() => this.#one()) }
    }
    if (this.#isSign('(')) {
      const node = this.#deeper(() => this.#any())
      this.#expect(')')
      return node
    }
    this.#count()
    if (!this.#isWord('has')) return this.#comparison()
    this.#at++
    return { kind: 'has', fields: this.#field().fields }
  }

  /** What follows the token at hand, one level deeper. */
  #deeper(next: () => FilterNode): FilterNode {
    const { depth } = filterLimits
    if (++this.#depth > depth) {
      throw this.#wrong('parentheses and not are too deep', `at most ${depth} within each other`)
    }
    this.#at++
    const node = next()
    this.#depth--
    return node
  }

  #comparison(): FilterNode {
    const named = this.#field()
    const operator = this.#token
    const { fields, domain } = named
    const isSign = operator.kind === 'sign'
    const builder = new TestBuilder(named)
    let isDifferent = false
    if (isSign && (operator.text === '=' || operator.text === '!=')) {
      this.#at++
      isDifferent = operator.text === '!='
      builder.add(this.#value())
    } else if (isSign && orders.has(operator.text)) {
      this.#at++
      return { kind: 'comparison', fields, domain, isDifferent, test: builder.order(operator, this.#value()) }
    } else if (this.#isWord('in')) {
      this.#at++
      this.#values(builder)
    } else if (this.#isWord('contains') || this.#isWord('startswith')) {
      this.#at++
      const test = builder.match(operator.text as TextMatch, operator, this.#value())
      return { kind: 'comparison', fields, domain, isDifferent, test }
    } else throw this.#unexpected('=, !=, <, <=, >, >=, in, contains or startswith')
    return { kind: 'comparison', fields, domain, isDifferent, test: builder.equality() }
  }

  #values(builder: TestBuilder): void {
    if (!this.#isSign('(')) return builder.add(this.#value())
    do {
      this.#at++
      this.#count()
      builder.add(this.#value())
    } while (this.#isSign(','))
    this.#expect(')')
  }

  #field(): NamedFields {
    const token = this.#token
    if (token.kind !== 'word' || keywords.has(token.text)) throw this.#unexpected(aField)
    const named = namedFields(token.text, this.#registry)
    if (named === undefined) {
      throw new FilterError(`${shown(token)} is no field`, token.offset, aField, token.text.slice(0, 64))
    }
    this.#at++
    return named
  }

  #value(): Token {
    const token = this.#token
    if ((token.kind !== 'word' && token.kind !== 'text') || (token.kind === 'word' && keywords.has(token.text))) {
      throw this.#unexpected('a value')
    }
    this.#at++
    return token
  }

  #count(): void {
    const { nodes } = filterLimits
    if (++this.#nodes > nodes) throw this.#wrong('asks too much', `at most ${nodes} tests, values, and, or and not`)
  }

  #expect(sign: string): void {
    if (!this.#isSign(sign)) throw this.#unexpected(sign === ')' ? 'and, or, a comma in a list, or ")"' : sign)
    this.#at++
  }

  get #token(): Token {
    return this.#tokens[this.#at]
  }

  get #isEnd(): boolean {
    return this.#token.kind === 'end'
  }

  #isWord(text: string): boolean {
    return this.#token.kind === 'word' && this.#token.text === text
  }

  #isSign(text: string): boolean {
    return this.#token.kind === 'sign' && this.#token.text === text
  }

  #unexpected(allowed: string): FilterError {
    return this.#wrong(this.#isEnd ? 'the filter ends here' : `${shown(this.#token)} cannot stand here`, allowed)
  }

  #wrong(message: string, allowed: string): FilterError {
    return new FilterError(message, this.#token.offset, allowed)
  }
}

/** A token as an error names it. */
function shown({ kind, text }: Token): string {
  const short = text.length > 40 ? `${text.slice(0, 40)}…` : text
  return kind === 'text' ? JSON.stringify(short) : `"${short}"`
}
