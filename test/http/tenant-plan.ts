/**
 * How one tenant asks each route for what is another's. A new route needs an entry: `own` asks for what the tenant has
 * itself, so that the route is really asked, and `foreign` for what the other one has.
 */
import { chat, jsonRequest } from "../ingest/decode/otlp/request.ts";
import { apiRequest, logsRequest } from "../ingest/decode/otlp/logs-request.ts";
import { callKey } from "../../src/ledger/key.ts";
import { metricsRequest } from "../ingest/decode/otlp/metrics-request.ts";
import { MONDAY } from "./ledger.ts";
import { jobOf, planOf, priceOf, RANGE, type Tenant } from "./tenant.ts";

export interface Ask {
  /** Of the route, with its parameters filled in. */
  path: string;
  body?: unknown;
  headers?: Record<string, string>;
  /** What it is answered with. */
  status: number;
  /** What the answer must have in it. */
  shows?: string;
}

export interface Plan {
  own: (us: Tenant) => Ask[];
  foreign: (them: Tenant, us: Tenant) => Ask[];
}

const NS = `${MONDAY + 3_600_000}000000`;
const SPAN_ID = "00f067aa0ba902b7";

/** The same question with each of a tenant's words as a filter. */
function filtered(path: string, query: string, { words }: Tenant): Ask[] {
  const { application, environment, provider, model, operation, user, tagKey, tagValue } = words;
  const filters = { application, environment, provider, model, operation, user, [`tag.${tagKey}`]: tagValue };
  return Object.entries(filters).map(([name, value]) => ({
    path: `${path}?${query}&${new URLSearchParams({ [name]: value })}`,
    status: 200,
  }));
}

/** Questions that are asked as anyone asks them. They show what the key may see. */
function listed(path: string, shows: (us: Tenant) => string, foreign: Plan["foreign"] = () => []): Plan {
  const ask = { path, status: 200 };
  return { own: (us) => [{ ...ask, shows: shows(us) }], foreign: (...two) => [ask, ...foreign(...two)] };
}

/** One object, by its id. */
function single(path: string, idOf: (tenant: Tenant) => string, more: Partial<Ask> = {}): Plan {
  const at = (tenant: Tenant) => path.replace("{id}", idOf(tenant));
  return {
    own: (us) => [{ path: at(us), status: 200, ...more }],
    foreign: (them) => [{ path: at(them), status: 404, ...(more.body !== undefined && { body: more.body }) }],
  };
}

/** Calls that another has as well: they are not duplicates, and nothing of the other's is told. */
function ingest(path: string, bodyOf: (tenant: Tenant) => unknown): Plan {
  const ask = (tenant: Tenant): Ask => ({ path, body: bodyOf(tenant), status: 200 });
  return { own: (us) => [ask(us)], foreign: (them) => [ask(them)] };
}

/** For the operator's key alone, whatever is asked for. */
function operatorOnly(...asks: ((them: Tenant) => Omit<Ask, "status">)[]): Plan {
  return { own: () => [], foreign: (them) => asks.map((ask) => ({ ...ask(them), status: 403 })) };
}

/** The same for everyone. */
function open(path: string): Plan {
  return { own: () => [], foreign: () => [{ path, status: 200 }] };
}

/** Its two calls, as a pair. */
const pairOf = ({ ids, words }: Tenant) => `${ids.trace}.${callKey(MONDAY + 7_200_000, words.otherCall)}`;

const spans = ({ words }: Tenant) => {
  const attributes = {
    "gen_ai.request.model": words.model,
    "user.id": words.user,
    "gen_ai.response.id": words.response,
  };
  const traceId = words.trace
    .replace(/[^0-9a-f]/g, "")
    .padEnd(32, "0")
    .slice(0, 32);
  const times = { startTimeUnixNano: NS, endTimeUnixNano: NS, traceId, spanId: SPAN_ID };
  return jsonRequest({ resource: { "service.name": words.application }, spans: [chat(attributes, times)] });
};

/** A counter of a program's own. */
const counters = ({ words }: Tenant) =>
  metricsRequest(
    [{ name: "gen_ai.client.inference.usage.input_tokens", points: [{ asInt: 3, timeMs: MONDAY + 3_600_000 }] }],
    { resource: { "service.name": words.application } },
  );

export const PLAN: Readonly<Record<string, Plan>> = {
  "POST /v1/traces": ingest("/v1/traces", ({ call }) => [call]),
  "POST /api/public/otel/v1/traces": ingest("/api/public/otel/v1/traces", spans),
  "POST /v1/logs": ingest("/v1/logs", ({ words }) =>
    logsRequest([
      apiRequest(
        { "user.id": words.user, "session.id": words.session, request_id: words.response },
        { timeUnixNano: NS },
      ),
    ]),
  ),
  "POST /v1/metrics": ingest("/v1/metrics", counters),
  "POST /api/public/otel/v1/metrics": ingest("/api/public/otel/v1/metrics", counters),
  "POST /v1/litellm": ingest("/v1/litellm", ({ words }) => ({
    id: words.call,
    startTime: (MONDAY + 3_600_000) / 1_000,
    endTime: (MONDAY + 3_601_000) / 1_000,
    model: words.model,
    custom_llm_provider: words.provider,
    prompt_tokens: 1,
    completion_tokens: 1,
    end_user: words.user,
  })),
  "GET /v1/summary": {
    own: (us) => [{ path: `/v1/summary?${RANGE}&group_by=user`, status: 200, shows: us.words.user }],
    foreign: (them) => [
      { path: `/v1/summary?${RANGE}`, status: 200, headers: { "if-none-match": them.etag } },
      { path: `/v1/summary?${RANGE}`, status: 200, headers: { "cache-control": "no-cache" } },
      { path: `/v1/summary?${RANGE}&group_by=application,model,user&include=latency,buckets,rates`, status: 200 },
      { path: `/v1/summary?${RANGE}&group_by=tag.${them.words.tagKey}&interval=day`, status: 200 },
      { path: `/v1/summary?from=2025-03-10T00:59:00Z&to=2025-03-10T01:01:00Z&group_by=user`, status: 200 },
      ...filtered("/v1/summary", `${RANGE}&group_by=application`, them),
    ],
  },
  "GET /v1/explain": listed(
    `/v1/explain?${RANGE}`,
    ({ words }) => words.model,
    (them) => filtered("/v1/explain", RANGE, them),
  ),
  "GET /v1/coverage": listed(`/v1/coverage?${RANGE}`, ({ words }) => words.application),
  "GET /v1/traces": listed(
    `/v1/traces?${RANGE}`,
    ({ ids }) => ids.trace,
    (them) => [
      { path: `/v1/traces?${RANGE}&cursor=${them.cursors.traces}`, status: 200 },
      ...Object.entries({
        trace_id: them.words.trace,
        session_id: them.words.session,
        client_id: them.words.call,
        status: "error",
        unpriced: "true",
        billable: "all",
      }).map(([name, value]) => ({ path: `/v1/traces?${RANGE}&${name}=${value}`, status: 200 })),
      ...filtered("/v1/traces", RANGE, them),
    ],
  ),
  "GET /v1/traces/{id}": single("/v1/traces/{id}", ({ ids }) => ids.trace),
  "DELETE /v1/traces/{id}": single("/v1/traces/{id}", ({ ids }) => ids.trace, { status: 204 }),
  "GET /v1/trace-trees/{id}": {
    own: (us) => [{ path: `/v1/trace-trees/${us.words.trace}`, status: 200, shows: us.ids.trace }],
    foreign: (them) => [
      { path: `/v1/trace-trees/${them.words.trace}`, status: 404 },
      { path: `/v1/trace-trees/${them.words.trace}?${RANGE}`, status: 404 },
    ],
  },
  "GET /v1/values": {
    own: (us) => [{ path: `/v1/values?${RANGE}&field=user`, status: 200, shows: us.words.user }],
    foreign: (them) => [
      ...[
        "application",
        "environment",
        "provider",
        "model",
        "operation",
        "user",
        `tag.${them.words.tagKey}`,
        "tag",
      ].map((field) => ({ path: `/v1/values?${RANGE}&field=${field}`, status: 200 })),
      { path: `/v1/values?${RANGE}&field=user&prefix=${them.words.user.slice(0, 8)}`, status: 200 },
      ...filtered("/v1/values", `${RANGE}&field=model`, them),
    ],
  },
  "GET /v1/plans": listed("/v1/plans", ({ words }) => words.plan),
  "POST /v1/plans": {
    own: (us) => [{ path: "/v1/plans", body: planOf(us.words), status: 201, shows: us.words.plan }],
    foreign: (them, us) => [
      // The same name of a request, in another project: another plan.
      {
        path: "/v1/plans",
        body: planOf(us.words),
        headers: { "idempotency-key": them.idempotencyKey },
        status: 201,
      },
    ],
  },
  "DELETE /v1/plans/{id}": single("/v1/plans/{id}", ({ ids }) => ids.plan, { status: 204 }),
  "GET /v1/plans/{id}/use": single(`/v1/plans/{id}/use?${RANGE}`, ({ ids }) => ids.plan),
  "GET /v1/views": listed("/v1/views", ({ words }) => words.view),
  "POST /v1/views": {
    own: (us) => [{ path: "/v1/views", body: { name: `own ${us.words.view}`, path: "/why" }, status: 201 }],
    foreign: (them) => [
      // The same name, and the same name of a request, in another project: another view.
      {
        path: "/v1/views",
        body: { name: them.words.view, path: "/why" },
        headers: { "idempotency-key": them.idempotencyKey },
        status: 201,
      },
    ],
  },
  "PUT /v1/views/{id}": single("/v1/views/{id}", ({ ids }) => ids.view, { body: { name: "mine", path: "/" } }),
  "DELETE /v1/views/{id}": single("/v1/views/{id}", ({ ids }) => ids.view, { status: 204 }),
  "GET /v1/doubles": {
    own: () => [{ path: `/v1/doubles?${RANGE}`, status: 200 }],
    foreign: () =>
      ["", "&verdict=same", "&verdict=different"].map((more) => ({
        path: `/v1/doubles?${RANGE}${more}`,
        status: 200,
      })),
  },
  "POST /v1/doubles/{id}": {
    own: (us) => [
      { path: `/v1/doubles/${pairOf(us)}`, body: { verdict: "different" }, status: 200, shows: us.ids.trace },
    ],
    foreign: (them, us) => [
      { path: `/v1/doubles/${pairOf(them)}`, body: { verdict: "same" }, status: 404 },
      { path: `/v1/doubles/${us.ids.trace}.${them.ids.trace}`, body: { verdict: "same" }, status: 404 },
    ],
  },
  "GET /v1/sessions": listed(
    `/v1/sessions?${RANGE}`,
    ({ words }) => words.session,
    (them) => [
      { path: `/v1/sessions?${RANGE}&cursor=${encodeURIComponent(them.cursors.sessions)}`, status: 200 },
      { path: `/v1/sessions?${RANGE}&session_id=${them.words.session}`, status: 200 },
      ...filtered("/v1/sessions", RANGE, them),
    ],
  ),
  "GET /v1/sessions/{id}": single(`/v1/sessions/{id}?${RANGE}`, ({ words }) => words.session),
  "GET /v1/export": listed(
    `/v1/export?${RANGE}`,
    ({ ids }) => ids.trace,
    (them) => [
      { path: `/v1/export?${RANGE}&format=csv`, status: 200 },
      { path: `/v1/export?${RANGE}&cursor=${them.ids.trace}`, status: 200 },
      { path: `/v1/export?${RANGE}&type=summary&group_by=user,application`, status: 200 },
      { path: `/v1/export?${RANGE}&type=summary&format=focus&group_by=user,model`, status: 200 },
      ...filtered("/v1/export", RANGE, them),
    ],
  ),
  "GET /v1/audit": listed(`/v1/audit?${RANGE}`, () => "2025-03-10"),
  "POST /v1/repair": {
    own: () => [{ path: "/v1/repair", body: { from: "2025-03-10", to: "2025-03-11" }, status: 200 }],
    foreign: () => [{ path: "/v1/repair", body: { from: "2025-03-10", to: "2025-03-11" }, status: 200 }],
  },
  "POST /v1/prices": {
    own: () => [],
    foreign: (them, us) => [
      { path: "/v1/prices", body: { ...priceOf(them.words), project_id: them.projectId }, status: 403 },
      { path: "/v1/prices", body: { ...priceOf(them.words), project_id: null }, status: 403 },
      // The same name of a request, in another project: another price.
      {
        path: "/v1/prices",
        body: { ...priceOf(us.words), starts_at: "2025-02-01" },
        headers: { "idempotency-key": them.idempotencyKey },
        status: 201,
      },
    ],
  },
  "GET /v1/prices": listed("/v1/prices", ({ words }) => words.model),
  "GET /v1/prices/unpriced": listed(`/v1/prices/unpriced?${RANGE}`, ({ words }) => words.unpricedModel),
  "GET /v1/prices/differences": listed(
    `/v1/prices/differences?${RANGE}`,
    ({ words }) => words.model,
    (them) => filtered("/v1/prices/differences", RANGE, them),
  ),
  "GET /v1/prices/unknown-members": listed(
    `/v1/prices/unknown-members?${RANGE}`,
    ({ words }) => words.member,
    (them) => filtered("/v1/prices/unknown-members", RANGE, them),
  ),
  "POST /v1/reprice": {
    own: (us) => [{ path: "/v1/reprice", body: { ...jobOf(us.words), dry_run: true }, status: 200 }],
    foreign: (them, us) => [
      { path: "/v1/reprice", body: { ...jobOf(them.words), dry_run: true }, status: 200 },
      { path: "/v1/reprice", body: { ...jobOf(them.words), dry_run: true, price: priceOf(them.words) }, status: 200 },
      { path: "/v1/reprice", body: { ...jobOf(them.words), model: [], dry_run: false }, status: 202 },
      {
        path: "/v1/reprice",
        body: jobOf(us.words),
        headers: { "idempotency-key": them.idempotencyKey },
        status: 202,
      },
    ],
  },
  "GET /v1/reprice": listed("/v1/reprice", ({ ids }) => ids.job),
  "GET /v1/reprice/{id}": single("/v1/reprice/{id}", ({ ids }) => ids.job),
  "DELETE /v1/reprice/{id}": single("/v1/reprice/{id}", ({ ids }) => ids.openJob),
  "GET /v1/projects": operatorOnly(() => ({ path: "/v1/projects" })),
  "POST /v1/projects": operatorOnly(() => ({ path: "/v1/projects", body: { name: "x" } })),
  "GET /v1/keys": operatorOnly(
    () => ({ path: "/v1/keys" }),
    ({ cursors }) => ({ path: `/v1/keys?cursor=${cursors.keys}` }),
  ),
  "POST /v1/keys": operatorOnly(({ projectId }) => ({
    path: "/v1/keys",
    body: { project_id: projectId, name: "x", scopes: ["admin"] },
  })),
  "POST /v1/keys/{id}/rotate": operatorOnly(({ ids }) => ({ path: `/v1/keys/${ids.key}/rotate`, body: {} })),
  "DELETE /v1/keys/{id}": operatorOnly(({ ids }) => ({ path: `/v1/keys/${ids.key}` })),
  "GET /v1/dead-letters": listed(
    "/v1/dead-letters",
    ({ words }) => words.letter,
    (them) => [{ path: `/v1/dead-letters?cursor=${encodeURIComponent(them.cursors.letters)}`, status: 200 }],
  ),
  "DELETE /v1/dead-letters/{id}": single("/v1/dead-letters/{id}", ({ words }) => words.letter, { status: 204 }),
  "POST /v1/dead-letters/replay": operatorOnly(() => ({ path: "/v1/dead-letters/replay" })),
  "DELETE /v1/users/{id}": {
    own: () => [{ path: "/v1/users/nobody?mode=anonymise", status: 202 }],
    foreign: (them) => [
      { path: `/v1/users/${them.words.user}?mode=anonymise`, status: 202 },
      { path: `/v1/users/${them.words.user}?mode=remove`, status: 202 },
    ],
  },
  "GET /v1/erasures": listed("/v1/erasures", ({ ids }) => ids.erasure),
  "GET /v1/erasures/{id}": single("/v1/erasures/{id}", ({ ids }) => ids.erasure),
  "GET /v1/admin/log": operatorOnly(() => ({ path: "/v1/admin/log" })),
  "POST /v1/session": {
    own: (us) => [{ path: "/v1/session", body: { key: us.key }, status: 201, shows: us.projectId }],
    foreign: (them) =>
      [them.ids.key, them.projectId].map((key) => ({ path: "/v1/session", body: { key }, status: 401 })),
  },
  // With a key there is no session; test/http/page-session.worker.test.ts asks with cookies.
  "GET /v1/session": operatorOnly(() => ({ path: "/v1/session" })),
  "DELETE /v1/session": operatorOnly(() => ({ path: "/v1/session" })),
  "GET /v1/admin/state": operatorOnly(() => ({ path: "/v1/admin/state" })),
  "GET /v1/admin/database": operatorOnly(() => ({ path: "/v1/admin/database" })),
  "GET /metrics": open("/metrics"),
  "GET /openapi.json": open("/openapi.json"),
  "GET /docs": open("/docs"),
  "GET /healthz": open("/healthz"),
  "GET /readyz": open("/readyz"),
};
