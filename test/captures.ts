/**
 * Bodies that real instrumentations sent, with the truth beside them: a scenario's `truth.json` lists per call what was
 * true, and which of it is nowhere in the bodies (`not_transmitted`); everything else has to come out exactly.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

const CAPTURES = join(import.meta.dirname, "fixtures/captures");
/** Before and after all recordings, those to come included. */
export const FIRST_DAY = Date.UTC(2026, 0);
export const NOW = Date.UTC(2100, 0);

export interface TrueCall {
  provider: string;
  model: string;
  request_model: string;
  operation: string;
  service_tier: string | null;
  user_id: string | null;
  session_id: string | null;
  application: string;
  environment: string | null;
  response_id?: string | null;
  error: boolean;
  tags: Record<string, string>;
  not_transmitted: string[];
  [tokens: `${string}_tokens`]: number | null;
}

export interface Truth {
  counts: { bodies: number; spans: number };
  billable: TrueCall[];
}

export interface Body {
  path: string;
  json: boolean;
  bytes: Uint8Array;
}

/** `<emitter>-<version>/<scenario>`, sorted. */
export function scenarios(): string[] {
  return readdirSync(CAPTURES)
    .flatMap((emitter) => readdirSync(join(CAPTURES, emitter)).map((scenario) => `${emitter}/${scenario}`))
    .sort();
}

export function truthOf(scenario: string): Truth {
  return JSON.parse(readFileSync(join(CAPTURES, scenario, "truth.json"), "utf8")) as Truth;
}

/** The bodies of a scenario in order of arrival, decompressed. */
export function bodiesOf(scenario: string): Body[] {
  const folder = join(CAPTURES, scenario);
  const names = readdirSync(folder).filter((name) => name.endsWith(".body"));
  return names.sort().map((name) => {
    const request = JSON.parse(readFileSync(join(folder, name.replace(".body", ".json")), "utf8")) as Record<
      string,
      string
    >;
    const bytes = readFileSync(join(folder, name));
    return {
      path: request["path"]!,
      json: request["content-type"] === "application/json",
      bytes: request["content-encoding"] === "gzip" ? gunzipSync(bytes) : bytes,
    };
  });
}
