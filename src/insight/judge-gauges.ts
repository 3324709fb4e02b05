/** What the gauges tell: connections that run out, and a cache that is too small. */
import { type Finding, shareText } from "./finding.ts";
import type { DatabaseGauges } from "./gauges.ts";

const MANY_CONNECTIONS = 0.8;
const TOO_MANY_CONNECTIONS = 0.95;
const LOW_HITS = 0.95;
const LOW_INDEX_HITS = 0.98;
/** Below that everything fits into memory sooner or later, and a low ratio only tells that the server is young. */
const LARGE_DATABASE = 2 ** 30;

export function judgeGauges(gauges: DatabaseGauges): Finding[] {
  const { connections, maxConnections, cacheHitRatio, indexHitRatio, sizeBytes } = gauges;
  const found: Finding[] = [];
  const used = Object.values(connections).reduce((sum, count) => sum + count, 0) / maxConnections;
  if (used >= MANY_CONNECTIONS) {
    found.push({
      severity: used >= TOO_MANY_CONNECTIONS ? "critical" : "warning",
      code: "connections_run_out",
      subject: null,
      advice: `${shareText(used)} of ${maxConnections} connections are in use. Connect through a pool: Hyperdrive, Neon's pooler or PgBouncer in transaction mode. Look for clients that leave connections idle.`,
    });
  }
  const low = [
    ["cache_hit_ratio", cacheHitRatio, LOW_HITS, "blocks"],
    ["index_hit_ratio", indexHitRatio, LOW_INDEX_HITS, "blocks of indexes"],
  ] as const;
  for (const [code, ratio, least, what] of low) {
    if (ratio === null || ratio >= least || sizeBytes < LARGE_DATABASE) continue;
    found.push({
      severity: "warning",
      code,
      subject: null,
      advice: `Only ${shareText(ratio)} of the ${what} were in Postgres' own cache. If disk reads are slow, give the server more memory and set shared_buffers to a quarter of it; on Neon choose a larger compute. On Neon reads from its file cache count as missed here: neon_stat_file_cache knows them.`,
    });
  }
  return found;
}
