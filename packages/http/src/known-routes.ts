/** Which methods each path takes, so that a wrong method is told from a wrong path (RFC 9110 §15.5.6). */
export class KnownRoutes {
  readonly #routes: { readonly pattern: RegExp; readonly methods: Set<string> }[] = []

  /** @param url - with `:name` for a parameter. */
  add(url: string, methods: string | readonly string[]): void {
    const text = url.replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`).replaceAll('*', '.*')
    const pattern = new RegExp(`^${text.replaceAll(/:[A-Za-z]+/g, '[^/]+')}$`)
    this.#routes.push({ pattern, methods: new Set([methods].flat()) })
  }

  /** @returns the methods of a path, sorted; empty if there is no such path. */
  methodsOf(path: string): string[] {
    const methods = this.#routes.filter(({ pattern }) => pattern.test(path)).flatMap(route => [...route.methods])
    return [...new Set(methods)].toSorted()
  }
}
