/** One call of an application: tokens, caches, latency and outcome, as its model has them. */
import { HOUR_MS } from "../../src/time.ts";
import type { Application, Model } from "./applications.ts";
import type { Random } from "./random.ts";

/** A call as `POST /v1/traces` takes it. */
export interface NativeTrace {
  id: string;
  timestamp: string;
  model: string;
  provider: string;
  application: string;
  environment: string;
  operation: string;
  user_id?: string;
  session_id?: string;
  tags: Record<string, string>;
  duration_ms: number;
  status: "ok" | "error";
  error_type?: string;
  service_tier?: string;
  input_tokens?: number;
  output_tokens?: number;
  cache_read_tokens?: number;
  cache_write_tokens?: number;
  cache_write_5m_tokens?: number;
  cache_write_1h_tokens?: number;
  reasoning_tokens?: number;
  input_audio_tokens?: number;
  output_audio_tokens?: number;
}

type Tokens = Pick<NativeTrace, Extract<keyof NativeTrace, `${string}_tokens`>>;

const SIZE_SIGMA = 0.7;
const MAX_INPUT = 400_000;
/** Where clients give up. */
const MAX_DURATION_MS = 600_000;
const HALF_DAY_MS = 12 * HOUR_MS;

export interface Moment {
  id: string;
  startedAtMs: number;
  /** A runaway loop: one user, one feature, again and again. */
  runaway: boolean;
  /** The provider has an outage. */
  outage: boolean;
}

export function makeCall(random: Random, application: Application, model: Model, moment: Moment): NativeTrace {
  const { id, startedAtMs, runaway, outage } = moment;
  const user = runaway ? 0 : random.powerLaw(Math.max(application.users, 1));
  const features = Object.keys(application.features);
  const feature = runaway ? 0 : random.weighted(Object.values(application.features));
  const failed = random.chance(outage ? 0.4 : model.errors.rate);
  const environment = !runaway && random.chance(application.staging) ? "staging" : "production";
  const tokens = makeTokens(random, model);
  const { first, perToken, sigma } = model.latency;
  const typicalMs = first + perToken * (tokens.output_tokens ?? 0);

  const trace: NativeTrace = {
    id,
    timestamp: new Date(startedAtMs).toISOString(),
    model: model.model,
    provider: model.provider,
    application: application.name,
    environment,
    operation: model.operation ?? "chat",
    tags: { team: application.team, feature: features[feature]! },
    duration_ms: Math.min(Math.round(random.logNormal(typicalMs, sigma) * 1_000) / 1_000, MAX_DURATION_MS),
    status: "ok",
  };
  if (application.users > 0) {
    trace.user_id = `${application.team}-${String(user + 1).padStart(3, "0")}`;
    trace.session_id = `${application.name}-${user + 1}-${Math.floor(startedAtMs / HALF_DAY_MS)}`;
  }
  if (application.tiers) {
    const tier = Object.keys(application.tiers)[random.weighted(Object.values(application.tiers))]!;
    if (tier !== "default") trace.service_tier = tier;
  }
  if (!failed) return Object.assign(trace, tokens);
  trace.status = "error";
  trace.error_type = outage ? model.errors.types[0]! : model.errors.types[random.powerLaw(model.errors.types.length)]!;
  // Refused at once, or waited for in vain. Either way the provider reports no usage.
  trace.duration_ms = /timeout|DEADLINE/.test(trace.error_type) ? 60_000 : Math.round(random.logNormal(180, 0.5));
  return trace;
}

function makeTokens(random: Random, model: Model): Tokens {
  const input = Math.min(Math.max(Math.round(random.logNormal(model.input, SIZE_SIGMA)), 8), MAX_INPUT);
  const tokens: Tokens = { input_tokens: input };
  if (model.operation === "embeddings") return tokens;
  const output = Math.max(Math.round(random.logNormal(model.output, SIZE_SIGMA)), 1);
  tokens.output_tokens = output;
  if (model.cache) addCache(random, model.cache, input, tokens);
  if (model.reasoning !== undefined) {
    tokens.reasoning_tokens = Math.floor(output * Math.min(model.reasoning * random.between(0.5, 1.3), 0.95));
  }
  if (model.audio !== undefined) {
    tokens.input_audio_tokens = Math.floor(input * model.audio * random.between(0.8, 1.2));
    tokens.output_audio_tokens = Math.floor(output * model.audio * random.between(0.8, 1.2));
  }
  return tokens;
}

/** A hit reads most of what may be cached and writes the rest; a miss writes all of it. */
function addCache(random: Random, cache: NonNullable<Model["cache"]>, input: number, tokens: Tokens): void {
  const cacheable = Math.floor(input * Math.min(cache.share * random.between(0.85, 1.1), 0.97));
  const read = random.chance(cache.hits) ? Math.floor(cacheable * random.between(0.75, 1)) : 0;
  tokens.cache_read_tokens = read;
  if (!cache.writes) return;
  const written = cacheable - read;
  // What lives for an hour is the long prefix; the turn behind it is kept for five minutes.
  const forAnHour = cache.writes === "1h" ? Math.floor(written * (read > 0 ? 0.3 : 0.8)) : 0;
  tokens.cache_write_tokens = written;
  tokens.cache_write_5m_tokens = written - forAnHour;
  tokens.cache_write_1h_tokens = forAnHour;
}
