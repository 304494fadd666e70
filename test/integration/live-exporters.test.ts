import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { absent } from '../support/debian-tools.ts'
import { runPmacctd, runSoftflowd, writeTraffic } from '../support/exporters.ts'
import { startNfcapd } from '../support/nfcapd.ts'
import { startWeir } from '../support/running-weir.ts'
import type { RunningWeir } from '../support/running-weir.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { OpenVSwitch } from '../support/open-vswitch.ts'
import { atRest, until } from '../support/until.ts'
import { readLedger } from '../support/ledger.ts'

/** Sends the traffic of test/fixtures/traffic.ts to a port, and ends. */
type Export = (folder: string, pcap: string, port: number) => Promise<void>

const softflowd =
  (...args: string[]): Export =>
  (folder, pcap, port) =>
    runSoftflowd(folder, pcap, port, args)

const exporters: Record<string, Export> = {
  'softflowd NetFlow v5': softflowd('-v', '5'),
  'softflowd NetFlow v9': softflowd('-v', '9', '-A', 'milli'),
  'softflowd IPFIX': softflowd('-v', '10', '-A', 'milli'),
  'softflowd IPFIX, times as uptime': softflowd('-v', '10'),
  'softflowd IPFIX, bidirectional': softflowd('-v', '10', '-b', '-A', 'milli'),
  'softflowd IPFIX, Ethernet': softflowd('-v', '10', '-T', 'ether', '-A', 'micro', '-x', '3'),
  'pmacctd NetFlow v9': (folder, pcap, port) => runPmacctd(folder, pcap, port, 9),
  'pmacctd IPFIX': (folder, pcap, port) => runPmacctd(folder, pcap, port, 10)
}

describe('live exporters through Weir to nfcapd', { skip: absent('softflowd', 'pmacctd', 'nfcapd') }, () => {
  let folder: string
  let pcap: string
  let weir: RunningWeir

  before(async () => {
    folder = tempFolder('live')
    pcap = await writeTraffic(folder)
    weir = await startWeir(folder)
  })

  after(async () => {
    assert.equal((await weir.stop()).code, 0, weir.child.said)
  })

  for (const [name, exporter] of Object.entries(exporters)) {
    test(`${name}: nfcapd counts the same records, packets and octets behind Weir as without it`, async () => {
      const id = name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')
      const direct = await startNfcapd(folder, `${id}-direct`)
      const behind = await startNfcapd(folder, `${id}-behind`)
      await weir.api.post('/v1/destinations', { id, type: 'ipfix', url: `udp://127.0.0.1:${behind.port}` })
      await Promise.all([exporter(folder, pcap, direct.port), exporter(folder, pcap, weir.port)])
      await atRest('the number of Messages', async () => (await readLedger(weir.api)).collector.messages.received, 300)
      const ledger = await weir.checkLedger()
      const [expected, seen] = await Promise.all([direct.stop(), behind.stop()])
      assert.ok(expected.flows > 0, 'the exporter sent something')
      assert.deepEqual(seen, expected)
      assert.equal(ledger.mediator.destinations[id]!.sent, ledger.mediator.destinations[id]!.matched)
      await weir.api.delete(`/v1/destinations/${id}`)
    })
  }

  test(
    'Open vSwitch IPFIX: nfcapd counts the same behind Weir as without it',
    { skip: absent('ovs-vswitchd') },
    async () => {
      const direct = await startNfcapd(folder, 'ovs-direct')
      const behind = await startNfcapd(folder, 'ovs-behind')
      await weir.api.post('/v1/destinations', { id: 'ovs', type: 'ipfix', url: `udp://127.0.0.1:${behind.port}` })
      const before = (await readLedger(weir.api)).collector.records.decoded
      const vswitch = new OpenVSwitch(folder)
      await vswitch.start([direct.port, weir.port])
      const decoded = async (): Promise<number> => (await readLedger(weir.api)).collector.records.decoded - before
      // Each flow is seen at the entrance and at the exit, and there is one options record.
      await until('all flows are exported', async () => (await decoded()) >= 17)
      await atRest('the number of records', decoded, 1_500)
      vswitch.stop()
      await weir.checkLedger()
      const [expected, seen] = await Promise.all([direct.stop(), behind.stop()])
      assert.equal(expected.flows, 16)
      assert.deepEqual(seen, expected)
      await weir.api.delete('/v1/destinations/ovs')
    }
  )
})
