/** A project with something of everything that a project can have. Each text and number of it is found nowhere else. */
import { sql } from "drizzle-orm";
import { callKey } from "../../src/ledger/key.ts";
import { admin, appWith, call, db, iso, json, ledgerOf, MONDAY, newKey } from "./ledger.ts";

/** The words of a tenant, by what they name. */
const WORDS = [
  "project",
  "application",
  "environment",
  "operation",
  "provider",
  "model",
  "requestModel",
  "unpricedModel",
  "user",
  "tagKey",
  "tagValue",
  "session",
  "otherSession",
  "trace",
  "span",
  "response",
  "errorType",
  "call",
  "otherCall",
  "member",
  "letter",
  "otherLetter",
  "view",
  "plan",
  "key",
] as const;

export interface Tenant {
  projectId: string;
  /** Scope `admin`. */
  key: string;
  words: Record<(typeof WORDS)[number], string>;
  /** Numbers that its calls have, and no others. */
  numbers: { inputTokens: number; reportedUsd: string };
  ids: {
    key: string;
    trace: string;
    price: string;
    job: string;
    openJob: string;
    erasure: string;
    view: string;
    plan: string;
  };
  /** The `Idempotency-Key` of its price and its job. */
  idempotencyKey: string;
  /** The body that stored its first call. */
  call: Record<string, unknown>;
  /** Where its lists go on, and the `ETag` of its summary. */
  cursors: { traces: string; sessions: string; letters: string; keys: string };
  etag: string;
}

/** What the names of these projects begin with. */
export const PROJECT = `project-${crypto.randomUUID().slice(0, 8)}-`;
/** The range of its calls. */
export const RANGE = `from=${iso(MONDAY)}&to=${iso(MONDAY + 86_400_000)}`;
export const fetch = appWith({});

let tenants = 0;

export async function openTenant(): Promise<Tenant> {
  const number = ++tenants;
  const words = Object.fromEntries(
    WORDS.map((word) => [word, `${word.toLowerCase()}-${crypto.randomUUID().slice(0, 13)}`]),
  ) as Tenant["words"];
  words.project = PROJECT + words.project;
  const idempotencyKey = `again-${crypto.randomUUID()}`;
  // Eight digits that no clock or count shows by chance.
  const inputTokens = 7_310_577 + number * 1_010_101;
  const reportedUsd = `0.00${inputTokens}`;

  const project = await json<{ id: string }>(await admin("POST", "/v1/projects", { name: words.project }), 201);
  const key = await newKey(project.id, ["admin"]);
  const ledger = ledgerOf(project.id, key, fetch);
  const named = await json<{ id: string }>(
    await admin("POST", "/v1/keys", { project_id: project.id, name: words.key, scopes: ["read"] }),
    201,
  );
  const post = async <T>(path: string, body: unknown, status: number): Promise<T> => {
    const headers = { "content-type": "application/json", "idempotency-key": idempotencyKey };
    return await json<T>(await ledger.fetch(path, { method: "POST", headers, body: JSON.stringify(body) }), status);
  };
  const price = await post<{ id: string }>("/v1/prices", priceOf(words), 201);
  const first = call({
    id: words.call,
    timestamp: iso(MONDAY + 3_600_000),
    application: words.application,
    environment: words.environment,
    operation: words.operation,
    provider: words.provider,
    model: words.model,
    request_model: words.requestModel,
    user_id: words.user,
    session_id: words.session,
    tags: { [words.tagKey]: words.tagValue },
    trace_id: words.trace,
    span_id: words.span,
    response_id: words.response,
    status: "error",
    error_type: words.errorType,
    input_tokens: inputTokens,
    cost_usd: Number(reportedUsd),
  });
  const usage = { prompt_tokens: inputTokens, completion_tokens: 5, [words.member]: 1 };
  const second = {
    id: words.otherCall,
    timestamp: iso(MONDAY + 7_200_000),
    provider: "openai",
    model: words.unpricedModel,
    session_id: words.otherSession,
    usage,
  };
  await ledger.write([first, second]);
  await db.query(sql`
    insert into reported_usage (project_id, series, day, emitter, application, measures, first_at, last_at, points, amounts)
    values (${project.id}::uuid, ${crypto.randomUUID()}::uuid, '2025-03-10', 'otel', ${words.application}, 'input',
      '2025-03-10T01:00Z', '2025-03-10T01:00Z', array[1], array[${inputTokens}::bigint])`);
  const job = await post<{ id: string }>("/v1/reprice", jobOf(words), 202);
  // One that waits for its next try, so that cron of other tests leaves it alone.
  const openJob = crypto.randomUUID();
  await db.query(sql`
    insert into reprice_jobs (project_id, id, scope, failures, error, retry_at)
    select project_id, ${openJob}::uuid, scope, 1, 'failed', '2100-01-01' from reprice_jobs where id = ${job.id}::uuid`);
  const erasure = crypto.randomUUID();
  await db.query(sql`
    insert into erasures (project_id, id, subject, mode, done_at)
    values (${project.id}::uuid, ${erasure}::uuid, ${crypto.randomUUID()}, 'anonymise', now())`);
  for (const id of [words.letter, words.otherLetter])
    await db.query(sql`insert into dead_letters (project_id, id, body) values (${project.id}::uuid, ${id}, ${id})`);

  const viewOf = { name: words.view, path: `/explore?user=${words.user}` };
  const view = await post<{ id: string }>("/v1/views", viewOf, 201);

  const plan = await post<{ id: string }>("/v1/plans", planOf(words), 201);

  const cursor = async (path: string): Promise<string> =>
    (await json<{ next_cursor: string }>(await ledger.fetch(path))).next_cursor;
  const summary = await ledger.fetch(`/v1/summary?${RANGE}`);
  const keys = await db.query(sql`
    select (extract(epoch from created_at) * 1000000)::bigint || '-' || id as cursor
    from api_keys where id = ${named.id}::uuid`);
  return {
    projectId: project.id,
    key,
    words,
    numbers: { inputTokens, reportedUsd },
    ids: {
      key: named.id,
      trace: callKey(MONDAY + 3_600_000, words.call),
      price: price.id,
      job: job.id,
      openJob,
      erasure,
      view: view.id,
      plan: plan.id,
    },
    idempotencyKey,
    call: first,
    cursors: {
      traces: await cursor(`/v1/traces?${RANGE}&limit=1`),
      sessions: await cursor(`/v1/sessions?${RANGE}&limit=1`),
      letters: await cursor("/v1/dead-letters?limit=1"),
      keys: String(keys[0]!["cursor"]),
    },
    etag: summary.headers.get("etag")!,
  };
}

export function planOf(words: Tenant["words"]): object {
  return { name: words.plan, seat_usd: "20", period: "month", from: "2025-03-01", users: [words.user] };
}

export function priceOf(words: Tenant["words"]): object {
  return { model: words.model, starts_at: "2025-01-01", usd_per_million_tokens: { input: "1", output: "2" } };
}

export function jobOf(words: Tenant["words"]): object {
  return { from: iso(MONDAY), to: iso(MONDAY + 86_400_000), model: words.model, dry_run: false };
}

/** All that must be in no answer to another tenant. */
export function secretsOf({ projectId, words, numbers, ids, key }: Tenant): string[] {
  const { inputTokens, reportedUsd } = numbers;
  return [projectId, key, ...Object.values(words), ...Object.values(ids), String(inputTokens), reportedUsd];
}

/**
 * What cron changes on its own in any project, also in tests that run beside these: what is left to settle, repair,
 * relabel or forget. Rows of rollups it merges; what they add up to is in the tenant's own answers.
 */
const CHANGED_BY_CRON = new Set([
  "rollup",
  "corrections",
  "held_wrappers",
  "crowded_labels",
  "days_to_repair",
  "relabel_jobs",
  "spans",
]);
/** Columns that its own requests, and replays of the operator, set. */
const CHANGED_BY_OTHERS = ["last_used_at", "tried_at"];

/** Everything that is stored of a tenant, by table, and what it is answered. */
export async function stateOf({ projectId, key }: Tenant): Promise<Record<string, string>> {
  const tables = await db.query(sql`
    select c.relname as name from pg_class c join pg_attribute a on a.attrelid = c.oid
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
      and a.attname = 'project_id' and not a.attisdropped order by 1`);
  const names = tables.map(({ name }) => String(name)).filter((name) => !CHANGED_BY_CRON.has(name));
  const columns = sql`${`{${CHANGED_BY_OTHERS.join()}}`}::text[]`;
  const parts = names.map(
    (name) => sql`
      select ${name}::text as name, string_agg(row, E'\n' order by row) as rows
      from (select (to_jsonb(t) - ${columns})::text as row from ${sql.identifier(name)} t
            where project_id = ${projectId}::uuid) rows`,
  );
  const stored = await db.query(sql.join(parts, sql` union all `));
  const ledger = ledgerOf(projectId, key, fetch);
  const asked = [
    `/v1/summary?${RANGE}&group_by=application,environment,provider,model,operation,user&interval=hour&include=buckets`,
    `/v1/audit?${RANGE}`,
  ];
  const answers = await Promise.all(
    asked.map(async (path) => {
      const body = await json<Record<string, unknown>>(
        await ledger.fetch(path, { headers: { "cache-control": "no-cache" } }),
      );
      return [path, JSON.stringify({ ...body, as_of: undefined })];
    }),
  );
  return Object.fromEntries([...stored.map(({ name, rows }) => [name, rows ?? ""]), ...answers]) as Record<
    string,
    string
  >;
}
