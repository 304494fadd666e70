export * from './pacer.ts'
export * from './replay-traffic.ts'
export * from './traffic-socket.ts'
export type * from './traffic-target.ts'
