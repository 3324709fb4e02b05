/**
 * Query strings, declared: a route's parameters are a list, each with the zod schema that checks it here and describes
 * it in `/openapi.json`. What is not declared is refused.
 */
import { z } from "zod";
import { ApiError } from "./errors.ts";

type Schema = z.ZodType<unknown, string>;

/** How a parameter is written: `a=1`, `a=1&a=2`, `a=1,2`, or `b.x=1&b.y=2` for names that begin alike. */
type Written = "once" | "repeated" | "commas" | "names";

export interface Parameter<T = unknown> {
  written: Written;
  description: string;
  /** As in a query string, of one value. */
  example?: string | undefined;
  /** What is read where nothing is given. */
  fallback?: string | undefined;
  /** Of one value. */
  schema: Schema;
  /** Of `names`: which they are, and how people call them. */
  names?: { pattern: RegExp; shown: string };
  /** What reading gives; never there at run time. */
  readonly read?: T;
}

export type Parameters = Readonly<Record<string, Parameter>>;

/** What a query string says, by parameter; lists are empty where it says nothing. */
export type Asked<P extends Parameters> = {
  [N in keyof P]: P[N] extends Parameter<infer T> ? T : never;
};

type Given<S extends Schema> = Parameter<z.output<S>>;
type Maybe<S extends Schema> = Parameter<z.output<S> | undefined>;
type List<S extends Schema> = Parameter<z.output<S>[]>;

interface Details {
  example?: string;
  fallback?: string;
}

export function once<S extends Schema>(schema: S, description: string, said: Details & { fallback: string }): Given<S>;
export function once<S extends Schema>(schema: S, description: string, said?: { example?: string }): Maybe<S>;
export function once<S extends Schema>(schema: S, description: string, said: Details = {}): Given<S> | Maybe<S> {
  return { written: "once", schema, description, ...said };
}

export function repeated<S extends Schema>(schema: S, description: string, example?: string): List<S> {
  return { written: "repeated", schema, description, example };
}

/** @param example a whole list, with its commas. */
export function commas<S extends Schema>(schema: S, description: string, example?: string): List<S> {
  return { written: "commas", schema, description, example };
}

/**
 * All parameters whose name fits a pattern, with the values of each.
 *
 * @param example as `name=value`.
 */
export function names<S extends Schema>(
  pattern: RegExp,
  shown: string,
  schema: S,
  description: string,
  example: string,
): Parameter<Map<string, z.output<S>[]>> {
  return { written: "names", schema, description, example, names: { pattern, shown } };
}

/** A whole number from 1, as digits. */
export function upTo(max: number): z.ZodType<number, string> {
  const message = `must be from 1 to ${max}`;
  return z
    .string()
    .transform((text) => (/^\d{1,6}$/.test(text) ? Number(text) : Number.NaN))
    .pipe(z.number(message).min(1, message).max(max, message))
    .meta({ type: "integer", minimum: 1, maximum: max });
}

export const flag = z
  .enum(["true", "false"], "must be true or false")
  .transform((text) => text === "true")
  .meta({ type: "boolean", enum: undefined });

/** @throws ApiError 400 that names the parameter which is wrong. */
export function readParameters<P extends Parameters>(declared: P, params: URLSearchParams): Asked<P> {
  const known = Object.entries(declared);
  for (const name of params.keys()) {
    if (!known.some(([own, parameter]) => isNamed(own, parameter, name))) throw invalid(name, unknownAmong(known));
  }
  const asked: Record<string, unknown> = {};
  for (const [name, parameter] of known) asked[name] = READ[parameter.written](params, name, parameter);
  return asked as Asked<P>;
}

const READ: Record<Written, (params: URLSearchParams, name: string, parameter: Parameter) => unknown> = {
  once: (params, name, { schema, fallback }) => {
    const text = single(params, name) ?? fallback;
    return text === undefined ? undefined : check(schema, name, text);
  },
  repeated: (params, name, { schema }) => params.getAll(name).map((text) => check(schema, name, text)),
  commas: (params, name, { schema }) => {
    const text = single(params, name);
    return text === undefined || text === "" ? [] : text.split(",").map((part) => check(schema, name, part));
  },
  names: (params, own, parameter) => {
    const given = new Set([...params.keys()].filter((name) => isNamed(own, parameter, name)));
    return new Map([...given].map((name) => [name, params.getAll(name).map((t) => check(parameter.schema, name, t))]));
  },
};

function isNamed(own: string, { names }: Parameter, name: string): boolean {
  return names === undefined ? own === name : names.pattern.test(name);
}

function unknownAmong(known: [string, Parameter][]): string {
  if (known.length === 0) return "unknown parameter; there are none here";
  return `unknown parameter; known are ${known.map(([own, { names }]) => names?.shown ?? own).join(", ")}`;
}

function single(params: URLSearchParams, name: string): string | undefined {
  const values = params.getAll(name);
  if (values.length > 1) throw invalid(name, "is given twice");
  return values[0];
}

function check(schema: Schema, name: string, text: string): unknown {
  const result = schema.safeParse(text);
  if (result.success) return result.data;
  throw invalid(name, result.error.issues[0]?.message ?? "is wrong");
}

export function invalid(parameter: string, problem: string): ApiError {
  return new ApiError("invalid_parameter", `${parameter}: ${problem}`, { parameter });
}
