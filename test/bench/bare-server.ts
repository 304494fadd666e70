// The floor of fleet-api.bench.ts: a bare Fastify route that sends the octets of a file. node bare-server.ts FILE; says its url.
import { readFileSync } from 'node:fs'
import fastify from 'fastify'

const octets = readFileSync(process.argv[2]!)
const server = fastify({ logger: false })
server.get('/', (_request, reply) => reply.type('application/json; charset=utf-8').send(octets))
console.log(await server.listen({ host: '127.0.0.1', port: 0 }))
