import { HttpProblem, problems } from '@weir/http'
import type { HttpServer } from '@weir/http'
import Type from 'typebox'
import type { Static } from 'typebox'
import { Compile } from 'typebox/compile'
import { KubernetesAwayError } from '../kubernetes/kubernetes-api.ts'
import type { KubernetesAnswer, KubernetesApi } from '../kubernetes/kubernetes-api.ts'

/** What is read of a Scale (autoscaling/v1). */
const kubernetesScale = Compile(
  Type.Object({
    metadata: Type.Object({ resourceVersion: Type.String() }),
    spec: Type.Optional(Type.Object({ replicas: Type.Optional(Type.Integer()) })),
    status: Type.Optional(Type.Object({ replicas: Type.Integer() }))
  })
)

const Scale = Type.Object({
  statefulSet: Type.String({ description: 'NAMESPACE/NAME of the pods (front.kubernetes.statefulSet).' }),
  replicas: Type.Integer({ description: 'Pods that there are to be.' }),
  current: Type.Integer({ description: 'Pods that there are.' })
})

export interface ScaleDeps {
  readonly api: KubernetesApi
  /** NAMESPACE/NAME; null: none is named. */
  readonly statefulSet: string | null
  /** Pods at most. */
  readonly maxReplicas: number
}

/** `/api/v1/scale`: how many pods there are to be. */
export function scaleRoutes(server: HttpServer, { api, statefulSet, maxReplicas }: ScaleDeps): void {
  const config = { role: 'admin' } as const
  const tags = ['fleet']
  const response = { 200: Scale, ...problems }

  const read = async () => answerOf(await ask(api, pathOf(statefulSet)), statefulSet!)

  server.get(
    '/api/v1/scale',
    {
      config,
      schema: { tags, summary: 'How many pods there are to be, and are; where Kubernetes runs them', response }
    },
    async (_request, reply) => {
      const { scale, version } = await read()
      return reply.header('etag', `"${version}"`).send(scale)
    }
  )

  server.put(
    '/api/v1/scale',
    {
      config,
      schema: {
        tags,
        summary: 'Have more pods, or fewer; where Kubernetes runs them',
        description:
          'Sets the replicas of the StatefulSet. A pod that goes drains first; what shared stores hold of its exporters is taken up by those that stay.',
        headers: Type.Object({
          'if-match': Type.Optional(
            Type.String({ maxLength: 256, description: 'The ETag of what was read: set it only if it is still so.' })
          )
        }),
        body: Type.Object(
          { replicas: Type.Integer({ minimum: 0, maximum: maxReplicas, description: 'Pods that there are to be.' }) },
          { additionalProperties: false }
        ),
        response
      }
    },
    async (request, reply) => {
      const { scale: before, version, document } = await read()
      const match = request.headers['if-match']
      if (match !== undefined && match !== '*' && match !== `"${version}"`) throw changed(before.replicas)
      // With the version that was read, so that of two that come at once one is told.
      const body = { ...document, spec: { replicas: request.body.replicas } }
      const answer = await ask(api, pathOf(statefulSet), { method: 'PUT', body })
      if (answer.status === 409) throw changed(before.replicas)
      const { scale, version: now } = answerOf(answer, statefulSet!)
      return reply.header('etag', `"${now}"`).send(scale)
    }
  )
}

/** @throws HttpProblem 501 */
function pathOf(statefulSet: string | null): string {
  if (statefulSet === null) {
    const detail = 'It is not known what to scale: name the StatefulSet of the pods in front.kubernetes.statefulSet.'
    throw new HttpProblem(501, 'SCALE_NOT_CONFIGURED', detail)
  }
  const [namespace, name] = statefulSet.split('/')
  return `/apis/apps/v1/namespaces/${namespace}/statefulsets/${name}/scale`
}

/** @throws HttpProblem 501 outside of a cluster; 503 */
async function ask(
  api: KubernetesApi,
  path: string,
  set?: { method: string; body: object }
): Promise<KubernetesAnswer> {
  try {
    return await api.ask(path, set)
  } catch (error) {
    if (!(error instanceof KubernetesAwayError)) throw error
    const [status, code] = error.isOutside ? ([501, 'NO_KUBERNETES'] as const) : ([503, 'KUBERNETES_AWAY'] as const)
    throw new HttpProblem(status, code, error.message)
  }
}

/** @throws HttpProblem 403, 404 or 503 */
function answerOf(
  { status, body, reason }: KubernetesAnswer,
  statefulSet: string
): { readonly scale: Static<typeof Scale>; readonly version: string; readonly document: object } {
  if (status === 401 || status === 403) {
    const detail = `Kubernetes refuses: ${reason}. The service account of the front needs get and update of statefulsets/scale for ${statefulSet}.`
    throw new HttpProblem(403, 'KUBERNETES_FORBIDS', detail)
  }
  if (status === 404) {
    const detail = `Kubernetes has no StatefulSet ${statefulSet} (front.kubernetes.statefulSet).`
    throw new HttpProblem(404, 'NO_STATEFUL_SET', detail)
  }
  if (status !== 200 || !kubernetesScale.Check(body)) {
    throw new HttpProblem(503, 'KUBERNETES_AWAY', `The API server of Kubernetes answered ${status}: ${reason}.`)
  }
  const { metadata, spec, status: is } = body
  const scale = { statefulSet, replicas: spec?.replicas ?? 0, current: is?.replicas ?? 0 }
  return { scale, version: metadata.resourceVersion, document: body }
}

function changed(replicas: number): HttpProblem {
  const detail = `Somebody has changed it meanwhile; it was ${replicas} now. Read it again, and set it if it should still be so.`
  return new HttpProblem(412, 'SCALE_CHANGED', detail)
}
