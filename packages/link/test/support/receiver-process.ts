import { createLinkReceiver } from '../../src/index.ts'
import { serialsOf } from './rig.ts'

/**
 * A mediator that keeps the serials it settles: it tells its parent before it settles, so that what was acknowledged is
 * known to the parent whenever this process is killed. Arguments: endpoint, milliseconds before settling.
 */
const [endpoint, settleAfter] = process.argv.slice(2)
let redelivered = 0
const receiver = createLinkReceiver({ endpoint }, { onFenced: () => process.send?.({ fenced: true }) })
try {
  await receiver.start(batch => {
    if (batch.isRedelivered) redelivered += batch.records
    const serials = serialsOf(batch).map(({ serial }) => serial)
    setTimeout(() => {
      process.send?.({ first: serials[0], last: serials.at(-1), redelivered, isRedelivered: batch.isRedelivered }, () =>
        batch.settle()
      )
    }, Number(settleAfter))
  })
  process.send?.({ ready: true })
} catch (error) {
  process.send?.({ failed: (error as { code: string }).code }, () => process.exit(1))
}
