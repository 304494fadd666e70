import type { IpfixPlan } from '../plan.ts'

/** A filter is asked of records in this form, whatever the destination gets: so it means the same everywhere. */
export const filteredPlan: IpfixPlan = { kind: 'ipfix', timestamps: 'milliseconds', lineage: true, sampling: true }
