/** Requests to every route and method of the API's description: right ones, and ones with mistakes in any part. */
import type { OpenApi } from "../http/described.ts";
import type { Draw } from "./draw.ts";
import { type Caller, CALLERS, damaged, encodedWell, type Input, JSON_TYPE } from "./input.ts";
import { spoiled, TEXTS, TOO_DEEP_TO_PARSE, write } from "./json.ts";

type Json = Record<string, unknown>;

/** What a JSON Schema says, as far as the description uses it. */
interface Shape {
  $ref?: string;
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  anyOf?: Shape[];
  oneOf?: Shape[];
  allOf?: Shape[];
  items?: Shape;
  properties?: Record<string, Shape>;
  required?: string[];
  additionalProperties?: Shape | boolean;
  propertyNames?: Shape;
  format?: string;
  pattern?: string;
  default?: unknown;
  minimum?: number;
  maximum?: number;
}

interface Parameter {
  name: string;
  in: string;
  required?: boolean;
  schema: Shape;
  example?: unknown;
  explode?: boolean;
}

interface Operation {
  method: string;
  path: string;
  security: Record<string, string[]>[];
  parameters: Parameter[];
  schema: Shape | undefined;
  examples: unknown[];
}

/** Ids of objects that are there, by what a path parameter or a member of a body names. */
export type Known = Readonly<Record<string, readonly string[]>>;

const DAYS = ["2026-09-20", "2026-09-21", "2026-09-22", "2026-10-01"];
const INSTANTS = [...DAYS, "2026-09-21T00:00:00Z", "2026-09-21T13:37:00.123+02:00", "1790000000000"];
const WRONG_INSTANTS = [
  "0",
  "1",
  "-1",
  "2019-01-01",
  "9999-12-31",
  "0001-01-01",
  "999999999999999",
  "2026-13-01",
  "now",
];
const ZONES = ["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns", "Etc/GMT+12", "+02:00", "GMT", "No/Where"];
const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"];
const PATHS = [
  "/",
  "//",
  "/v1",
  "/v1/",
  "/v1/traces/",
  "/v1//traces",
  "/v1/traces/x/y",
  "/V1/TRACES",
  "/v1/traces%2f",
  "/*",
  "/%",
  "/v1/summary;a=1",
  "/bench",
];
/** As they are sent. */
const SEGMENTS = [
  "%00",
  "%",
  "%zz",
  "%ed%a0%80",
  "%ff",
  "..%2f..",
  ".",
  "%2e%2e",
  "%c3%a9",
  "%F0%9F%98%80",
  "a%20b",
  "'",
  "0",
  "-1",
  "null",
  "x".repeat(5_000),
  "00000000-0000-0000-0000-000000000000",
  "00000000-0000-7000-8000-00000000000g",
];

export function createRoutes(document: OpenApi, known: Known, bodies: readonly Uint8Array[]) {
  const schemas = document.components.schemas as Record<string, Shape>;
  const operations = operationsOf(document);

  function valueOf(shape: Shape, draw: Draw, depth = 0): unknown {
    if (shape.$ref !== undefined) return valueOf(schemas[shape.$ref.split("/").at(-1)!]!, draw, depth + 1);
    if (shape.const !== undefined) return shape.const;
    if (shape.enum) return draw.pick(shape.enum);
    const choices = shape.anyOf ?? shape.oneOf ?? shape.allOf;
    if (choices) return valueOf(draw.pick(choices), draw, depth + 1);
    if (shape.default !== undefined && draw.chance(0.3)) return shape.default;
    const type = Array.isArray(shape.type) ? draw.pick(shape.type) : shape.type;
    switch (type) {
      case "object":
        return objectOf(shape, draw, depth);
      case "array":
        return Array.from({ length: draw.below(4) }, () => valueOf(shape.items ?? {}, draw, depth + 1));
      case "integer":
        return Math.floor(numberOf(shape, draw));
      case "number":
        return numberOf(shape, draw);
      case "boolean":
        return draw.chance(0.5);
      case "null":
        return null;
      default:
        return textOf(shape, draw);
    }
  }

  function objectOf({ properties = {}, required = [], additionalProperties }: Shape, draw: Draw, depth: number): Json {
    const members = Object.entries(properties)
      .filter(([name]) => required.includes(name) || (depth < 5 && draw.chance(0.3)))
      .map(([name, shape]) => [name, memberOf(name, shape, draw, depth)]);
    if (typeof additionalProperties === "object" && Object.keys(properties).length === 0)
      for (let n = draw.below(3); n > 0; n--)
        members.push([draw.pick(["team", "a.b", "é"]), valueOf(additionalProperties, draw, depth + 1)]);
    return Object.fromEntries(members) as Json;
  }

  function memberOf(name: string, shape: Shape, draw: Draw, depth: number): unknown {
    const ids = known[name];
    if (ids && draw.chance(0.8)) return draw.pick(ids);
    if (["from", "to", "timestamp", "valid_from", "valid_to"].includes(name) && draw.chance(0.8))
      return draw.pick(INSTANTS);
    return valueOf(shape, draw, depth + 1);
  }

  /** Right values as a query string writes them. */
  function writtenValue({ name, schema, example }: Parameter, draw: Draw): string {
    if (example !== undefined && typeof example !== "object" && draw.chance(0.3)) return String(example);
    if (/from$|to$/.test(name)) return draw.pick(INSTANTS);
    if (name === "tz") return draw.pick(ZONES);
    const value = valueOf(schema, draw);
    return Array.isArray(value) ? value.join() : String(value);
  }

  function pairsOf(parameter: Parameter, draw: Draw): string[] {
    const { name, schema } = parameter;
    const named = schema.type === "object" ? draw.pick(["tag.team", "tag.é", "tag.", "tag.x.y"]) : name;
    const one = (): string => {
      const right = encodeURIComponent(writtenValue(parameter, draw).toWellFormed());
      return `${encodeURIComponent(named)}=${draw.chance(0.95) ? right : wrongValue(draw)}`;
    };
    const times = schema.type === "array" ? 1 + draw.below(3) : draw.chance(0.03) ? 2 : 1;
    return Array.from({ length: schema.type === "array" && parameter.explode === false ? 1 : times }, one);
  }

  function queryOf({ parameters, method }: Operation, draw: Draw): string {
    const asked = parameters.filter(
      (parameter) =>
        parameter.in === "query" && draw.chance(parameter.required === true ? 0.9 : isRange(parameter) ? 0.6 : 0.15),
    );
    const pairs = asked.flatMap((parameter) => pairsOf(parameter, draw));
    if (draw.chance(0.06))
      pairs.push(draw.pick(["nonsense=1", "=", "&&", "%00=1", "__proto__=1", "%=%", "from[]=1", "limit"]));
    if (draw.chance(0.01)) pairs.push(...Array.from({ length: 300 }, (_, i) => `model=m${i}`));
    return pairs.length === 0 ? (method === "GET" && draw.chance(0.02) ? "?" : "") : `?${pairs.join("&")}`;
  }

  function pathOf(path: string, draw: Draw): string {
    const ids = known[path] ?? [];
    return path.replace(/\{\w+\}/g, () => (ids.length > 0 && draw.chance(0.7) ? draw.pick(ids) : draw.pick(SEGMENTS)));
  }

  function bodyOf({ schema, examples }: Operation, draw: Draw): string | null {
    if (schema === undefined) return draw.chance(0.05) ? "{}" : null;
    const right = examples.length > 0 && draw.chance(0.4) ? withIds(draw.pick(examples), draw) : valueOf(schema, draw);
    if (draw.chance(0.02)) return write(TOO_DEEP_TO_PARSE);
    return write(draw.chance(0.4) ? spoiled(right, draw) : right);
  }

  /** An example names objects that are not there. */
  function withIds(example: unknown, draw: Draw): unknown {
    if (typeof example !== "object" || example === null || Array.isArray(example)) return example;
    return Object.fromEntries(
      Object.entries(example).map(([name, value]) => [name, known[name] ? draw.pick(known[name]) : value]),
    );
  }

  return {
    operations,
    /** A request to one of them. */
    make(draw: Draw): Input {
      const operation = draw.pick(operations);
      const text = bodyOf(operation, draw);
      const encoded = text === null ? null : encodedWell(new TextEncoder().encode(text), draw);
      const input: Input = {
        kind: `${operation.method} ${operation.path}`,
        method: draw.chance(0.02) ? draw.pick(METHODS) : operation.method,
        path: draw.chance(0.02) ? draw.pick(PATHS) : pathOf(operation.path, draw) + queryOf(operation, draw),
        headers: { ...(encoded && { "content-type": JSON_TYPE, ...encoded.headers }), ...oddHeaders(draw) },
        body: encoded?.body ?? null,
        caller: callerOf(operation, draw),
        goods: [],
      };
      return input.body !== null && draw.chance(0.15) ? damaged(input, bodies, draw) : input;
    },
  };
}

function operationsOf(document: OpenApi): Operation[] {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item as unknown as Record<string, Json>).map(([method, operation]) => {
      const { content = {} } = (operation["requestBody"] ?? {}) as { content?: Record<string, Json> };
      const media = content[JSON_TYPE] as { schema?: Shape; examples?: Record<string, { value: unknown }> } | undefined;
      return {
        method: method.toUpperCase(),
        path,
        security: (operation["security"] ?? []) as Operation["security"],
        parameters: (operation["parameters"] ?? []) as Parameter[],
        schema: media?.schema,
        examples: Object.values(media?.examples ?? {}).map(({ value }) => value),
      };
    }),
  );
}

function numberOf({ minimum = 0, maximum = 1_000 }: Shape, draw: Draw): number {
  const edge = [minimum, Math.min(maximum, minimum + 10), maximum];
  return draw.chance(0.3) ? draw.pick(edge) : minimum + draw.below(Math.min(1_000, maximum - minimum) + 1);
}

/** A text of a pattern of days and instants, of names or of ids, as far as it is known; else any. */
function textOf({ format, pattern = "" }: Shape, draw: Draw): string {
  if (format === "uuid") return "0190aa00-0000-7000-8000-000000000000";
  if (/d\{4\}/.test(pattern)) return draw.pick(INSTANTS);
  if (pattern.startsWith("^tag")) return draw.pick(["tag.team", "tag.x"]);
  if (/requests\|/.test(pattern)) return draw.pick(["requests", "-cost_usd", "model", "tag.team", "-user"]);
  if (/d\+/.test(pattern)) return draw.pick(["0", "1.5", "0.000001", "3e-7"]);
  return draw.pick([
    "app-1",
    "gpt-4o-mini",
    "gpt-*",
    "openai",
    "user-1",
    "session-1",
    "team-1",
    "batch",
    "*",
    "é",
    "a",
  ]);
}

function isRange({ name }: Parameter): boolean {
  return name === "from" || name === "to";
}

function wrongValue(draw: Draw): string {
  if (draw.chance(0.4)) return draw.pick(WRONG_INSTANTS);
  return draw.chance(0.5) ? draw.pick(SEGMENTS) : encodeURIComponent(draw.pick(TEXTS).slice(0, 3_000).toWellFormed());
}

/** Mostly the one whom the route admits. */
function callerOf({ security }: Operation, draw: Draw): Caller | null {
  if (draw.chance(0.04)) return null;
  if (draw.chance(0.08)) return draw.pick(CALLERS.filter((caller) => caller !== "ingest"));
  const schemes = security.flatMap((scheme) => Object.keys(scheme)).filter((scheme) => scheme !== "pageSession");
  const scheme = schemes.length === 0 ? "" : draw.pick(schemes);
  if (scheme === "adminKey") return "admin";
  if (scheme === "metricsToken") return "metrics";
  return "all";
}

function oddHeaders(draw: Draw): Record<string, string> {
  if (draw.chance(0.85)) return {};
  const odd: Record<string, string>[] = [
    { "if-none-match": draw.pick(["*", '"x"', 'W/"x", "y"', "\xff", ""]) },
    { "idempotency-key": draw.pick(["a", "b", "c", "", "x".repeat(256), "\xe9", " "]) },
    { accept: draw.pick(["text/csv", "*/*", "application/json;q=0", "\xff"]) },
    { range: "bytes=0-1" },
    { "accept-encoding": draw.pick(["gzip", "br", "identity;q=0", "*"]) },
    {
      authorization: draw.pick([
        "Bearer",
        "Bearer  ",
        "Basic !!!",
        "Basic Og==",
        "bearer x y",
        "Digest x",
        "\xff",
        "Bearer \xe9",
      ]),
    },
    { origin: "https://evil.example", "access-control-request-method": "POST" },
    { "x-request-id": "x\x80", "x-forwarded-host": "evil.example" },
  ];
  return draw.pick(odd);
}
