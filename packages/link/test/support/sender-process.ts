import { createLinkSender } from '../../src/index.ts'
import { SerialSource, serialLayout } from './rig.ts'

/** A collector that sends without end. Argument: endpoint. */
const sender = createLinkSender({ endpoint: process.argv[2] })
await sender.start()
const source = new SerialSource(sender, serialLayout(), 1)
setInterval(() => {
  for (let entry = 0; entry < 20 && sender.isWritable; entry++) source.append(50)
}, 1)
