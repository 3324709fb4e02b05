/**
 * A route's declaration. It decides which callers are admitted, and it becomes the route's part of `/openapi.json`. The
 * method and the path come from the place where the route is mounted.
 */
import type { MiddlewareHandler } from "hono";
import type { z } from "zod";
import type { ErrorCode } from "../errors.ts";
import type { Scope } from "../keys.ts";
import { type Parameters, refuseUnknown } from "../parameters.ts";
import { requireAdmin, requireAdminKey, requireMetrics, requirePageSession, requireScope } from "./auth.ts";
import { type AppEnv, type Deps, queryStringOf } from "./context.ts";
import { limitRate } from "./rate-limit.ts";
import { refuseUnstorableUrl } from "./storable.ts";

export const TAGS = {
  Costs: "Costs of calls, summed from rollups.",
  Calls: "Single calls, sessions and exports.",
  Ingest:
    "Routes that take calls. A 2xx means that the accepted calls are durable and counted exactly once, also if they are sent again. With 202 they are counted soon.",
  Prices: "Custom prices, models without one, and repricing.",
  Administration: "Projects and their keys.",
  Operations: "Audit, probes and this description.",
} as const;

export interface Media {
  schema: z.ZodType;
  /** The schema of one line, if the body is a stream of JSON lines. */
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
  /** Who is admitted: anyone, an API key with a scope, or a configured key. */
  caller:
    | Scope
    | "anyone"
    | "admin key"
    | "admin key or scope admin"
    | "metrics token, admin key or scope admin"
    | "page session";
  /** What it does when it is sent again. Reading routes need no such sentence, because they change nothing. */
  again?: string;
  /** The key may also come as the password of Basic authentication. */
  basic?: true;
  path?: Readonly<Record<string, { schema: z.ZodType; description: string; example?: string }>>;
  headers?: Readonly<Record<string, string>>;
  query?: Parameters;
  body?: { description?: string; content: Content };
  answers: Readonly<Record<number, Answer>>;
  /** Codes in addition to those that follow from the caller, the query and the body. */
  refusals?: readonly ErrorCode[];
  /** If the request is OTLP, errors are in OTLP's form. */
  otlp?: true;
}

/** A middleware that carries the operation that it guards. */
type Guard = MiddlewareHandler<AppEnv> & { operation: Operation };

/** Admits the operation's callers and parameters, and describes the route at which it is mounted. */
export function operation(deps: Deps, operation: Operation): Guard {
  const limited = limitRate(deps, guardOf(deps, operation));
  const admit = operation.body ? inWork(deps, limited) : limited;
  if (operation.tag === "Ingest") return Object.assign(admit, { operation });
  const [pathParameter] = Object.keys(operation.path ?? {});
  const guard: MiddlewareHandler<AppEnv> = async (c, next) => {
    refuseUnstorableUrl(c.req.url, pathParameter);
    if (operation.query) refuseUnknown(operation.query, queryStringOf(c));
    return await admit(c, next);
  };
  return Object.assign(guard, { operation });
}

/** Counts the request's body until the answer. */
function inWork({ intake }: Deps, admit: MiddlewareHandler<AppEnv>): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const work = intake.begin();
    c.set("work", work);
    try {
      return await admit(c, next);
    } finally {
      work.end();
    }
  };
}

/** The operation that a handler carries, if any. */
export function operationOf(handler: object): Operation | undefined {
  return (handler as Partial<Guard>).operation;
}

function guardOf(deps: Deps, { caller, tag, basic }: Operation): MiddlewareHandler<AppEnv> {
  switch (caller) {
    case "anyone":
      return async (_, next) => await next();
    case "admin key":
      return requireAdminKey(deps);
    case "admin key or scope admin":
      return requireAdmin(deps);
    case "metrics token, admin key or scope admin":
      return requireMetrics(deps);
    case "page session":
      return requirePageSession(deps);
    default:
      return requireScope(deps, caller, { basic: basic ?? false, cookie: tag !== "Ingest" });
  }
}

/** Describes a JSON body. */
export function json(schema: z.ZodType, ...examples: unknown[]): Content {
  const named = examples.map((example, i) => [`example${i === 0 ? "" : i + 1}`, example] as const);
  return { "application/json": { schema, ...(examples.length > 0 && { examples: Object.fromEntries(named) }) } };
}
