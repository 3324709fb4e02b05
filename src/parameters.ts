/**
 * Query strings. A route declares its parameters once: the zod schema of each checks it here and describes it in
 * `/openapi.json`. Parameters that are not declared are refused.
 */
import { z } from "zod";
import { ApiError } from "./errors.ts";

type Schema = z.ZodType<unknown, string>;

/** How a parameter is written: `a=1` (once), `a=1&a=2` (repeated), `a=1,2` (commas), or `b.x=1&b.y=2` (names). */
type Written = "once" | "repeated" | "commas" | "names";

export interface Parameter<T = unknown> {
  written: Written;
  description: string;
  /** One value, written as in a query string. */
  example?: string | undefined;
  /** The text that is read if the parameter is missing. */
  fallback?: string | undefined;
  /** True if the route refuses requests without it. The route itself does so. */
  required?: boolean | undefined;
  /** Checks one value. */
  schema: Schema;
  /** For `names`: the pattern of the names, and the form in which errors show them. */
  names?: { pattern: RegExp; shown: string };
  /** The type of the value that reading gives. It has no value at run time. */
  readonly read?: T;
}

export type Parameters = Readonly<Record<string, Parameter>>;

/** The values of a query string by parameter. A list is empty if its parameter is missing. */
export type Asked<P extends Parameters> = {
  [N in keyof P]: P[N] extends Parameter<infer T> ? T : never;
};

type Always<S extends Schema> = Parameter<z.output<S>>;
type Maybe<S extends Schema> = Parameter<z.output<S> | undefined>;
type List<S extends Schema> = Parameter<z.output<S>[]>;

interface Details {
  example?: string;
  fallback?: string;
  required?: boolean;
}

export function once<S extends Schema>(schema: S, description: string, said: Details & { fallback: string }): Always<S>;
export function once<S extends Schema>(schema: S, description: string, said?: Omit<Details, "fallback">): Maybe<S>;
export function once<S extends Schema>(schema: S, description: string, said: Details = {}): Always<S> | Maybe<S> {
  return { written: "once", schema, description, ...said };
}

export function repeated<S extends Schema>(schema: S, description: string, example?: string): List<S> {
  return { written: "repeated", schema, description, example };
}

/** @param example a whole list with its commas. */
export function commas<S extends Schema>(schema: S, description: string, example?: string): List<S> {
  return { written: "commas", schema, description, example };
}

/**
 * All parameters whose names match a pattern, with the values of each.
 *
 * @param example written as `name=value`.
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

/** A whole number from 1 to `max`, written in digits. */
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

/** @throws ApiError 400 that names a parameter that is not declared. */
export function refuseUnknown(declared: Parameters, queryString: string): void {
  // Most names are written as they are declared, and are then found without leaving JavaScript.
  if (queryString === "" || queryString.split("&").every((pair) => isDeclared(declared, pair.split("=", 1)[0]!)))
    return;
  for (const name of new URLSearchParams(queryString).keys()) refuseIfUnknown(declared, name);
}

function refuseIfUnknown(declared: Parameters, name: string): void {
  if (isDeclared(declared, name)) return;
  const known = Object.entries(declared);
  if (!known.some(([own, parameter]) => isNamed(own, parameter, name))) throw invalid(name, unknownAmong(known));
}

/** Is this the whole name of a parameter? */
function isDeclared(declared: Parameters, name: string): boolean {
  return Object.hasOwn(declared, name) && declared[name]!.names === undefined;
}

/** @throws ApiError 400 that names the wrong parameter. */
export function readParameters<P extends Parameters>(declared: P, params: URLSearchParams): Asked<P> {
  // Each call to `params` leaves JavaScript, and most parameters are missing.
  const given: Given = new Map();
  for (const [name, text] of params) {
    const texts = given.get(name);
    if (texts) texts.push(text);
    else given.set(name, [text]);
  }
  for (const name of given.keys()) refuseIfUnknown(declared, name);
  const asked: Record<string, unknown> = {};
  for (const name in declared) asked[name] = READ[declared[name]!.written](given, name, declared[name]!);
  return asked as Asked<P>;
}

/** The texts that a query string has, by name. */
type Given = Map<string, string[]>;

const READ: Record<Written, (given: Given, name: string, parameter: Parameter) => unknown> = {
  once: (given, name, parameter) => {
    const text = single(given, name);
    return text === undefined ? fallbackOf(parameter) : check(parameter.schema, name, text);
  },
  repeated: (given, name, { schema }) => (given.get(name) ?? []).map((text) => check(schema, name, text)),
  commas: (given, name, { schema }) => {
    const text = single(given, name);
    return text === undefined || text === "" ? [] : text.split(",").map((part) => check(schema, name, part));
  },
  names: (given, own, parameter) => {
    const named = [...given].filter(([name]) => isNamed(own, parameter, name));
    return new Map(named.map(([name, texts]) => [name, texts.map((text) => check(parameter.schema, name, text))]));
  },
};

function isNamed(own: string, { names }: Parameter, name: string): boolean {
  return names === undefined ? own === name : names.pattern.test(name);
}

const fallbacks = new WeakMap<Parameter, unknown>();

/** The value of a missing parameter. It is read once, because most parameters of most requests are missing. */
function fallbackOf(parameter: Parameter): unknown {
  const { schema, fallback } = parameter;
  if (fallback === undefined) return undefined;
  if (!fallbacks.has(parameter)) fallbacks.set(parameter, schema.parse(fallback));
  return fallbacks.get(parameter);
}

function unknownAmong(known: [string, Parameter][]): string {
  if (known.length === 0) return "unknown parameter; this route has none";
  return `unknown parameter; this route has ${known.map(([own, { names }]) => names?.shown ?? own).join(", ")}`;
}

function single(given: Given, name: string): string | undefined {
  const texts = given.get(name);
  if (texts !== undefined && texts.length > 1) throw invalid(name, "must not be given twice");
  return texts?.[0];
}

function check(schema: Schema, name: string, text: string): unknown {
  const result = schema.safeParse(text);
  if (result.success) return result.data;
  throw invalid(name, result.error.issues[0]?.message ?? "is wrong");
}

export function invalid(parameter: string, problem: string): ApiError {
  return new ApiError("invalid_parameter", `${parameter}: ${problem}`, { parameter });
}
