/**
 * What a route says about itself. The same declaration lets callers in, and becomes the route's part of `/openapi.json`;
 * its method and path are those that it is mounted at.
 */
import type { MiddlewareHandler } from "hono";
import { some } from "hono/combine";
import type { z } from "zod";
import type { ErrorCode } from "../errors.ts";
import type { Scope } from "../keys.ts";
import type { Parameters } from "../parameters.ts";
import { requireAdminKey, requireMetrics, requireScope } from "./auth.ts";
import type { AppEnv, Deps } from "./context.ts";

export const TAGS = {
  Costs: "What calls cost, from rollups.",
  Calls: "The calls themselves, one by one or by session.",
  Ingest: "Taking calls in. A 2xx means kept for good and counted exactly once (202: soon), whatever is sent again.",
  Prices: "Custom prices, models without one, and repricing.",
  Administration: "Projects and their keys.",
  Operations: "Audit, probes and this description.",
} as const;

export interface Media {
  schema: z.ZodType;
  /** Of one line, where the body is a stream of lines of JSON. */
  line?: z.ZodType;
  examples?: Record<string, unknown>;
}

export type Content = Readonly<Record<string, Media>>;

export interface Answer {
  description: string;
  content?: Content;
  headers?: Readonly<Record<string, string>>;
}

export interface Operation {
  id: string;
  tag: keyof typeof TAGS;
  summary: string;
  description?: string;
  /** Who may ask: anyone, an API key with a scope, or one of the keys that are configured. */
  caller: Scope | "anyone" | "admin key" | "admin key or scope admin" | "metrics token or scope admin";
  /** The key may come as a password, too. */
  basic?: true;
  path?: Readonly<Record<string, { schema: z.ZodType; description: string; example?: string }>>;
  headers?: Readonly<Record<string, string>>;
  query?: Parameters;
  body?: { description?: string; content: Content };
  answers: Readonly<Record<number, Answer>>;
  /** Beside those that follow from the caller, the query and the body. */
  refusals?: readonly ErrorCode[];
  /** Errors come in OTLP's form where the request is OTLP. */
  otlp?: true;
}

const described = new WeakMap<object, Operation>();

/** Lets in whom the operation is for, and describes the route that it stands at. */
export function operation(deps: Deps, operation: Operation): MiddlewareHandler<AppEnv> {
  const guard = guardOf(deps, operation.caller);
  described.set(guard, operation);
  return guard;
}

/** What a middleware says about its route, if it is an operation. */
export function operationOf(handler: object): Operation | undefined {
  return described.get(handler);
}

function guardOf(deps: Deps, caller: Operation["caller"]): MiddlewareHandler<AppEnv> {
  if (caller === "anyone") return async (_, next) => await next();
  if (caller === "admin key") return requireAdminKey(deps);
  if (caller === "metrics token or scope admin") return requireMetrics(deps);
  if (caller === "admin key or scope admin") {
    const either = some(requireAdminKey(deps), requireScope(deps, "admin"));
    return async (c, next) => await either(c, next);
  }
  return requireScope(deps, caller);
}

/** A body of JSON. */
export function json(schema: z.ZodType, ...examples: unknown[]): Content {
  const named = examples.map((example, i) => [`example${i === 0 ? "" : i + 1}`, example] as const);
  return { "application/json": { schema, ...(examples.length > 0 && { examples: Object.fromEntries(named) }) } };
}
