import { ApiError } from '@weir/client'
import { CodedError, exitCodes, formatIssue } from '@weir/runtime'

/** What an API refused, for a person: why, where, and what to do next. Other errors are given back as they are. */
export function ctlErrorOf(error: unknown, url: string): unknown {
  if (!(error instanceof ApiError)) return error
  const { status, code, message, issues, retryAfterSec } = error
  const lines = [
    `${message} (${status === 0 ? '' : `${status} `}${code})`,
    ...issues.map(each => `  ${formatIssue(each)}`)
  ]
  const remedy = remedyOf(status, url, retryAfterSec)
  if (remedy !== undefined) lines.push(remedy)
  return new CodedError(code, lines.join('\n'), exitCodeOf(status), { status, issues }, error)
}

function remedyOf(status: number, url: string, retryAfterSec: number | undefined): string | undefined {
  if (status === 0) return `Is Weir running there? Another address is given with --url or WEIR_URL; this was ${url}.`
  if (status === 401)
    return 'Give a key: --key-file FILE, or WEIR_KEY; weir up keeps that of an admin in admin.key of its state folder.'
  if (status === 403)
    return 'This key may not do that; an admin makes others: weir ctl key create NAME --role operator.'
  if (status === 412) return 'Somebody else changed it meanwhile: look again, and repeat the command.'
  return retryAfterSec === undefined ? undefined : `Try again in ${retryAfterSec} s.`
}

const exitCodeOf = (status: number): number =>
  status === 0 || status >= 500
    ? exitCodes.unavailable
    : status === 400 || status === 422
      ? exitCodes.badInput
      : exitCodes.failed
