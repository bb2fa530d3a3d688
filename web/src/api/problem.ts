import type { Problem } from './types'

/** The server's refusal as an exception: RFC 9457 problem details. */
export class Refused extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail || problem.title)
    this.name = 'Refused'
  }
}

/** No answer came: the network or the server is away; the same act may be sent again. */
export class Unreachable extends Error {
  constructor(cause?: unknown) {
    super('the server does not answer', { cause })
    this.name = 'Unreachable'
  }
}

interface Answer {
  readonly data?: unknown
  readonly error?: unknown
  readonly response: Response
}

const isProblem = (body: unknown): body is Problem =>
  typeof body === 'object' && body !== null && 'title' in body && 'status' in body

/**
 * Data of an answer; throws `Refused` or `Unreachable`, so that callers know two cases only.
 * The type is named by the caller: openapi-fetch widens points `[x, y, z]` to `number[]`.
 */
export async function need<Data>(asked: Promise<Answer>): Promise<Data> {
  let answer: Answer
  try {
    answer = await asked
  } catch (cause) {
    throw new Unreachable(cause)
  }
  const { data, error, response } = answer
  if (response.ok) return data as Data
  if (isProblem(error)) throw new Refused(error)
  if (response.status >= 500) throw new Unreachable(error)
  const title = `The server answered ${response.status}`
  throw new Refused({ type: 'about:blank', title, status: response.status, detail: title, code: 'unknown' })
}
