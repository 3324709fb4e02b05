/** What this machine alone can tell: `wrangler.toml`, and what the environment gives. */
import { join } from "node:path";
import { z } from "zod";
import { parseConfig } from "../../src/config.ts";
import { type Check, failed, lasting, ok, skipped, some, type Verdict, warning } from "./check.ts";
import { reason } from "./run.ts";
import type { Subject } from "./subject.ts";

/** What the checks read of it. The newer wrangler may know more. */
interface Configuration {
  name?: string | undefined;
  main?: string | undefined;
  compatibility_date?: string | undefined;
  compatibility_flags?: string[];
  triggers?: { crons?: string[] | undefined };
  vars?: Record<string, unknown>;
  queues?: {
    producers?: { binding: string; queue: string }[];
    consumers?: { queue: string; dead_letter_queue?: string | undefined }[] | undefined;
  };
  hyperdrive?: { binding: string; id: string }[];
}

const EVERY_MINUTE = "* * * * *";
const OLD_MS = 730 * 86_400_000;
const NEEDED = ["ADMIN_KEY", "UPSTASH_REDIS_REST_URL", "UPSTASH_REDIS_REST_TOKEN"];

export const CONFIGURATION: readonly Check[] = [
  {
    id: "configuration.wrangler",
    title: "wrangler.toml",
    async run(subject) {
      const read = await readConfiguration(subject);
      return "refused" in read ? failed(read.refused, "Correct wrangler.toml.") : judge(read, subject.now());
    },
  },
  {
    id: "configuration.bindings",
    title: "Bindings",
    async run(subject) {
      const read = await readConfiguration(subject);
      return "refused" in read ? skipped("wrangler.toml cannot be read", null) : judgeBindings(read);
    },
  },
  {
    id: "configuration.environment",
    title: "Given secrets",
    run: async (subject) => judgeGiven(subject),
  },
  {
    id: "configuration.secrets",
    title: "Deployed secrets",
    limitMs: 25_000,
    async run(subject) {
      if (subject.listSecrets === null) {
        return subject.kind === "dev stack"
          ? skipped("the dev stack has none", null)
          : skipped("not asked for", "Give --wrangler to ask Cloudflare for the names of the secrets.");
      }
      const names = await subject.listSecrets();
      const read = await readConfiguration(subject);
      const viaHyperdrive = !("refused" in read) && hasBinding(read.hyperdrive, "HYPERDRIVE");
      const needed = viaHyperdrive ? NEEDED : ["DATABASE_URL", ...NEEDED];
      const missing = needed.filter((name) => !names.includes(name));
      if (missing.length === 0) return ok(`${some(needed)} are set`);
      const where = subject.environment === undefined ? "" : ` --env ${subject.environment}`;
      return failed(
        `${some(missing)} missing`,
        `Set each: ${missing.map((name) => `npx wrangler secret put ${name}${where}`).join("; ")}.`,
      );
    },
  },
];

/** Read by wrangler itself, so that it means what it will mean when it is deployed. */
export async function readConfiguration({
  folder,
  environment,
}: Pick<Subject, "folder" | "environment">): Promise<Configuration | { refused: string }> {
  const { unstable_readConfig } = await import("wrangler");
  try {
    const args = { config: join(folder, "wrangler.toml"), ...(environment === undefined ? {} : { env: environment }) };
    return unstable_readConfig(args, { hideWarnings: true }) as Configuration;
  } catch (error) {
    return { refused: reason(error).replace(/\s+/g, " ").trim().slice(0, 300) };
  }
}

function judge({ name, main, compatibility_date: date, compatibility_flags, triggers }: Configuration, nowMs: number) {
  if (!name || !main) return failed("no name or no main", "Take both from the wrangler.toml of the repository.");
  const day = /^\d{4}-\d\d-\d\d$/.test(date ?? "") ? Date.parse(`${date}T00:00:00Z`) : Number.NaN;
  if (Number.isNaN(day)) return failed("no compatibility_date", "Set the one of the repository's wrangler.toml.");
  if (!compatibility_flags?.includes("nodejs_compat"))
    return failed("no nodejs_compat", 'Set compatibility_flags = ["nodejs_compat"].');
  const crons = triggers?.crons ?? [];
  if (crons.length === 0)
    return failed("no cron", `Set crons = ["${EVERY_MINUTE}"] in [triggers]. Without it nothing is merged.`);
  const found = `${name}, cron ${crons.map((cron) => `"${cron}"`).join(", ")}, compatible with ${date}`;
  if (!crons.includes(EVERY_MINUTE))
    return warning(found, `Set crons = ["${EVERY_MINUTE}"]: cron is meant to run once a minute.`);
  if (day > nowMs) return warning(found, "Set a compatibility_date that is not in the future.");
  if (nowMs - day > OLD_MS)
    return warning(
      `${found}, which is ${lasting(nowMs - day)} ago`,
      "Move compatibility_date forward, and run the tests.",
    );
  return ok(found);
}

function judgeBindings({ vars = {}, queues, hyperdrive = [] }: Configuration): Verdict {
  for (const { binding, id } of hyperdrive)
    if (!/^[0-9a-f]{32}$/.test(id))
      return failed(`${binding} has no id`, "Make it with npx wrangler hyperdrive create.");
  const database = hasBinding(hyperdrive, "HYPERDRIVE") ? "HYPERDRIVE" : "DATABASE_URL, a secret";
  if (vars["INGEST_MODE"] !== "queue") return ok(`database by ${database}; no queue`);
  const producer = queues?.producers?.find(({ binding }) => binding === "INGEST_QUEUE");
  if (!producer)
    return failed(
      "INGEST_MODE is queue, but INGEST_QUEUE is not bound",
      "Bind it, as [env.queue] in wrangler.toml does.",
    );
  const consumer = queues?.consumers?.find(({ queue }) => queue === producer.queue);
  const dead = consumer?.dead_letter_queue;
  if (!consumer) return failed(`nobody consumes ${producer.queue}`, "Add the consumer: calls wait there for ever.");
  if (!dead?.endsWith("-dead-letters") || !queues?.consumers?.some(({ queue }) => queue === dead)) {
    return failed(
      `${producer.queue} has no consumed dead letter queue whose name ends in -dead-letters`,
      "Add both, as [env.queue] in wrangler.toml does. Otherwise what cannot be stored is lost.",
    );
  }
  return ok(`database by ${database}; queue ${producer.queue}, dead letters in ${dead}`);
}

const hasBinding = (bindings: { binding: string }[] = [], name: string): boolean =>
  bindings.some(({ binding }) => binding === name);

/** The form of what is given, by the rules of the Worker itself. */
function judgeGiven({ kind, adminKey, metricsToken, database, redis }: Subject): Verdict {
  const given = {
    ...(adminKey === null ? {} : { ADMIN_KEY: adminKey }),
    ...(metricsToken === null ? {} : { METRICS_TOKEN: metricsToken }),
    ...(database === null ? {} : { DATABASE_URL: database.url }),
    ...(redis === null ? {} : { UPSTASH_REDIS_REST_URL: redis.url, UPSTASH_REDIS_REST_TOKEN: redis.token }),
  };
  const names = Object.keys(given);
  if (names.length === 0) return skipped("none is given", "--help says which, and how.");
  const stand = { DATABASE_URL: "postgres://u:p@h/d", ADMIN_KEY: "x".repeat(32), UPSTASH_REDIS_REST_URL: "https://h" };
  try {
    parseConfig({ UPSTASH_REDIS_REST_TOKEN: "x", ...stand, ...given });
  } catch (error) {
    if (error instanceof z.ZodError) throw error;
    return failed(reason(error), "Set them as the table in src/README.md says.");
  }
  if (kind === "deployment" && new Set(adminKey ?? "").size < 10 && adminKey !== null)
    return warning("ADMIN_KEY can be guessed", "Make another one: openssl rand -hex 32.");
  return ok(`${some(names, 9)}: well formed`);
}
