/** An answer of the coordinator. */
export interface Answer<T = unknown> {
  readonly status: number
  readonly headers: Headers
  readonly body: T
}

/** Thrown by the calls that want a 2xx and did not get one. */
export class AnswerError extends Error {
  readonly answer: Answer

  constructor(what: string, answer: Answer) {
    super(`${what} was answered ${answer.status}: ${JSON.stringify(answer.body)}`)
    this.answer = answer
  }
}

/** Speaks HTTP with one coordinator. */
export class CoordinatorClient {
  readonly origin: string

  constructor(port: number) {
    this.origin = `http://127.0.0.1:${port}`
  }

  /** Any request, any answer: JSON is parsed, other bodies are text. */
  async call<T = unknown>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {}
  ): Promise<Answer<T>> {
    const type: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' }
    const response = await fetch(this.origin + path, {
      method,
      headers: { ...type, ...headers },
      body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
      signal: AbortSignal.timeout(10_000)
    })
    const text = await response.text()
    const isJson = /[/+]json/.test(response.headers.get('content-type') ?? '')
    return { status: response.status, headers: response.headers, body: (isJson ? JSON.parse(text) : text) as T }
  }

  async get<T>(path: string): Promise<T> {
    return this.#expect<T>('GET', path)
  }

  async post<T>(path: string, body?: unknown): Promise<T> {
    return this.#expect<T>('POST', path, body)
  }

  async patch<T>(path: string, body: unknown): Promise<T> {
    return this.#expect<T>('PATCH', path, body)
  }

  async delete(path: string): Promise<void> {
    await this.#expect('DELETE', path)
  }

  async #expect<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await this.call<T>(method, path, body)
    if (answer.status < 200 || answer.status > 299) throw new AnswerError(`${method} ${path}`, answer)
    return answer.body
  }
}
