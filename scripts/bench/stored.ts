/** What is stored of a project since some time: whoever sends calls checks afterwards that they are all there, once. */
import { HOUR_MS } from "../../src/time.ts";
import type pg from "pg";
import { keyRange } from "../../src/ledger/key.ts";
import { LEVEL, LEVELS } from "../../src/ledger/levels.ts";
import { MAIN } from "../../src/rollup/families.ts";

export interface Stored {
  calls: number;
  inputTokens: number;
  costPico: bigint;
}

/**
 * Of the calls that started in the hour of `sinceMs` or later.
 *
 * @throws when the rollup says otherwise than the calls.
 */
export async function readStored(pool: pg.Pool, projectId: string, sinceMs: number): Promise<Stored> {
  const fromMs = Math.floor(sinceMs / HOUR_MS) * HOUR_MS;
  const [lowest] = keyRange(fromMs, fromMs + HOUR_MS);
  const sums = "coalesce(sum(input_tokens), 0)::text as tokens, coalesce(sum(cost_pico), 0)::text as cost";
  const { rows: raw } = await pool.query<Row>(
    `select count(*)::text as calls, ${sums} from traces where project_id = $1 and id >= $2`,
    [projectId, lowest],
  );
  const { rows: rolled } = await pool.query<Row>(
    `select coalesce(sum(requests), 0)::text as calls, ${sums} from rollup
     where project_id = $1 and level = any($2) and label = $3 and bucket >= to_timestamp($4::float8 / 1000)`,
    [projectId, [LEVEL.partial, ...LEVELS.hour], MAIN, fromMs],
  );
  const [said, summed] = [JSON.stringify(raw[0]), JSON.stringify(rolled[0])];
  if (said !== summed) throw new Error(`the calls say ${said}, the rollup ${summed}`);
  const { calls, tokens, cost } = raw[0]!;
  return { calls: Number(calls), inputTokens: Number(tokens), costPico: BigInt(cost) };
}

interface Row {
  calls: string;
  tokens: string;
  cost: string;
}
