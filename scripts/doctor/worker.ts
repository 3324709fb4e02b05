/** The Worker, over HTTP: whether it answers, what it says of its stores, its catalogue, its cron and its clock. */
import { DAY_MS } from "../../src/time.ts";
import { CATALOGUE_DAY, CATALOGUE_VERSION } from "../../src/pricing/catalogue.ts";
import { type Check, failed, lasting, ok, skipped, type Verdict, warning } from "./check.ts";
import { databaseOf, type Subject } from "./subject.ts";
import { sql } from "drizzle-orm";

const SLOW_MS = 1_000;
const OLD_CATALOGUE_MS = 90 * DAY_MS;
/** Cron runs everything once a day at least. */
const CRON_MS = 26 * 3_600_000;
/** The stage `run` succeeds each minute, also if nothing is due. */
const RUN_MS = 10 * 60_000;
/** Clocks that differ by more than a minute make closed hours of open ones. */
const CLOCK_MS = { warning: 5_000, failed: 60_000 };
const START = "For the dev stack, run npm run dev. For a deployment, look at npx wrangler tail.";

export const WORKER: readonly Check[] = [
  {
    id: "worker.health",
    title: "/healthz",
    opens: "worker",
    async run(subject, signal) {
      const { status, body, ms } = await ask(subject, "/healthz", signal);
      if (status !== 200) return failed(`${status}: ${short(body)}`, START);
      const found = `200 in ${ms.toFixed(0)} ms`;
      return ms < SLOW_MS
        ? ok(found)
        : warning(found, "It asks no store. See how busy the Worker is, and how far away.");
    },
  },
  {
    id: "worker.ready",
    title: "/readyz",
    async run(subject, signal) {
      const { status, body } = await ask(subject, "/readyz", signal);
      const said = read<{ redis?: string }>(body);
      if (status !== 200)
        return failed(
          `${status}: ${short(body)}`,
          "The Worker does not reach its database. See its DATABASE_URL or Hyperdrive.",
        );
      if (said.redis !== "up")
        return failed(
          "database up, Redis down",
          "Answers are slower but not wrong. See the Worker's UPSTASH_* secrets.",
        );
      return ok("database up, Redis up");
    },
  },
  {
    id: "worker.catalogue",
    title: "Price catalogue",
    async run(subject, signal) {
      const { status, body } = await ask(subject, "/readyz", signal);
      if (status !== 200) return skipped("/readyz does not tell", null);
      const { catalogue = "", catalogue_refused: refused } = read<{ catalogue?: string; catalogue_refused?: string }>(
        body,
      );
      return judgeCatalogue(catalogue, refused ?? null, subject.now());
    },
  },
  {
    id: "worker.admin_key",
    title: "Admin key",
    needs: ["adminKey"],
    async run(subject, signal) {
      const { status, body } = await ask(subject, "/v1/keys?limit=1", signal, subject.adminKey);
      if (status === 200) return ok("accepted");
      if (status === 401 || status === 403)
        return failed(
          `refused (${status})`,
          "It is not the Worker's ADMIN_KEY: give the right one, or set it with npx wrangler secret put ADMIN_KEY.",
        );
      return failed(`${status}: ${short(body)}`, START);
    },
  },
  {
    id: "worker.cron",
    title: "Cron by /metrics",
    async run(subject, signal) {
      const keys = [subject.metricsToken, subject.adminKey].filter((key) => key !== null);
      if (keys.length === 0)
        return skipped("no key reads /metrics", "Set METRICS_TOKEN, or name the admin key with --admin-key-env.");
      for (const key of keys) {
        const { status, body } = await ask(subject, "/metrics", signal, key);
        if (status === 200) return judgeCron(lastSuccesses(body), subject.now());
      }
      return skipped("/metrics refuses the key", "Set METRICS_TOKEN in the environment, as the Worker has it.");
    },
  },
  {
    id: "worker.clock",
    title: "Clocks",
    async run(subject, signal) {
      const offsets = [await serverOffset(subject, signal), await databaseOffset(subject)].filter((at) => at !== null);
      return judgeClocks(offsets);
    },
  },
];

interface Answer {
  status: number;
  headers: Headers;
  body: string;
  ms: number;
}

export async function ask({ url }: Subject, path: string, signal: AbortSignal, key?: string | null): Promise<Answer> {
  const beganMs = performance.now();
  const headers = key ? { authorization: `Bearer ${key}` } : {};
  // A redirect would take the key elsewhere.
  const response = await fetch(url + path, { headers, signal, redirect: "manual" });
  const body = await response.text();
  return { status: response.status, headers: response.headers, body, ms: performance.now() - beganMs };
}

function read<T>(body: string): Partial<T> {
  try {
    return JSON.parse(body) as Partial<T>;
  } catch {
    return {};
  }
}

const short = (body: string): string => body.replace(/\s+/g, " ").slice(0, 200);

export function judgeCatalogue(version: string, refused: string | null, nowMs: number): Verdict {
  if (refused !== null)
    return warning(
      `${version}; a newer one is refused: ${short(refused)}`,
      "Compare with npm run prices -- diff, and store it with npm run prices -- update --accept if it is right.",
    );
  const [, year, month, day] = /\.(\d{4})(\d\d)(\d\d)-/.exec(version) ?? [];
  const date = year === undefined && version === CATALOGUE_VERSION ? CATALOGUE_DAY : `${year}-${month}-${day}`;
  const ageMs = nowMs - Date.parse(`${date}T00:00:00Z`);
  if (Number.isNaN(ageMs)) return ok(version);
  const found = `${version}, ${lasting(ageMs)} old`;
  return ageMs < OLD_CATALOGUE_MS
    ? ok(found)
    : warning(found, "Set CATALOGUE_URL, so that cron looks for newer prices, or run npm run prices -- update.");
}

/** The times (epoch ms) at which stages of cron last succeeded. */
export function lastSuccesses(metrics: string): Map<string, number> {
  const samples = metrics.matchAll(
    /^llm_cost_cron_last_success_timestamp_seconds\{[^}\n]*stage="([^"\n]*)"[^}\n]*\} (\S+)/gm,
  );
  return new Map([...samples].map(([, stage, seconds]) => [stage!, Number(seconds) * 1_000]));
}

export function judgeCron(stages: ReadonlyMap<string, number>, nowMs: number): Verdict {
  if (stages.size === 0)
    return skipped("/metrics does not tell when cron last succeeded", "See what waits to be merged, below.");
  const newestMs = Math.max(...stages.values());
  const late = [...stages].filter(([, atMs]) => nowMs - atMs > CRON_MS).map(([stage]) => stage);
  const found = `last success ${lasting(nowMs - newestMs)} ago`;
  if (nowMs - newestMs > (stages.has("run") ? RUN_MS : CRON_MS))
    return failed(
      found,
      "Cron does not run: see [triggers] of wrangler.toml, and the Worker's cron events at Cloudflare.",
    );
  if (late.length > 0)
    return warning(
      `${found}, but not of ${late.join(", ")}`,
      "These stages fail each time: npx wrangler tail shows why.",
    );
  return ok(`${found}, ${stages.size} stages`);
}

interface Offset {
  whose: string;
  /** How far its clock is ahead of this machine's. */
  aheadMs: number;
}

/** The header has whole seconds. */
async function serverOffset(subject: Subject, signal: AbortSignal): Promise<Offset | null> {
  const beganMs = subject.now();
  const { headers } = await ask(subject, "/healthz", signal);
  const date = Date.parse(headers.get("date") ?? "");
  if (Number.isNaN(date)) return null;
  return { whose: "Worker", aheadMs: date + 500 - (beganMs + subject.now()) / 2 };
}

async function databaseOffset(subject: Subject): Promise<Offset | null> {
  if (subject.database === null) return null;
  const db = databaseOf(subject);
  const beganMs = subject.now();
  const rows = await db.query(sql`select extract(epoch from clock_timestamp())::float8 * 1000 as ms`).catch(() => null);
  return rows && { whose: "database", aheadMs: Number(rows[0]!["ms"]) - (beganMs + subject.now()) / 2 };
}

export function judgeClocks(offsets: readonly Offset[]): Verdict {
  if (offsets.length === 0) return skipped("nobody tells the time", null);
  const all = [{ whose: "this machine", aheadMs: 0 }, ...offsets];
  const ahead = all.map(({ aheadMs }) => aheadMs);
  const apartMs = Math.max(...ahead) - Math.min(...ahead);
  const found = `${all.map(({ whose }) => whose).join(", ")}: at most ${(apartMs / 1_000).toFixed(1)} s apart`;
  if (apartMs < CLOCK_MS.warning) return ok(found);
  const away = [...all].sort((a, b) => Math.abs(b.aheadMs) - Math.abs(a.aheadMs))[0]!;
  const advice = `Synchronise the clocks (NTP). Seen from here, the ${away.whose}'s is ${lasting(away.aheadMs)} ${away.aheadMs > 0 ? "ahead" : "behind"}.`;
  return apartMs < CLOCK_MS.failed ? warning(found, advice) : failed(found, advice);
}
