/** Nothing can be said of a token: the issuer does not say what its keys are. */
export class IssuerAwayError extends Error {
  override readonly name = 'IssuerAwayError'
}
