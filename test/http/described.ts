/**
 * Holds what is asked and answered to `/openapi.json`: an answer must have a status, content type, headers and body
 * that are described, a question that was answered parameters and a body that are. Fields that are not described are
 * wrong.
 */
import { type Schema, Validator } from "@cfworker/json-schema";
import type { ErrorCode } from "../../src/errors.ts";
import { PROBLEMS } from "../../src/http/errors.ts";

type Json = Record<string, unknown>;

interface Media {
  schema: Schema;
  "x-line-schema"?: Schema;
}

interface Described {
  operationId: string;
  tags: string[];
  parameters?: { name: string; in: string; schema: Schema }[];
  requestBody?: { content: Record<string, Media> };
  responses: Record<string, Answer | { $ref: string }>;
}

interface Answer {
  headers?: Json;
  content?: Record<string, Media>;
}

export interface OpenApi {
  paths: Record<string, Record<string, Described>>;
  components: { schemas: Record<string, Schema>; responses: Record<string, Answer> };
}

/** Ingest takes items one by one: a body with a wrong one is answered, too. */
const ITEMWISE = "Ingest";

const WALL: Readonly<Record<number, ErrorCode>> = { 401: "unauthorized", 403: "forbidden" };

export interface Description {
  /** Has the request a body of JSON, all of which is described? */
  knowsBody(request: Request): boolean;
  /** @throws Error that says what is not as described. */
  check(request: Request, requestBody: string, response: Response): Promise<void>;
  checkLine(operationId: string, line: unknown): void;
}

export function describedBy(document: OpenApi): Description {
  const { paths, components } = withClosedObjects(document) as OpenApi;
  const validators = new Map<object, Validator>();
  const templates = Object.entries(paths)
    .map(([template, item]) => ({ pattern: new RegExp(`^${template.replace(/\{\w+\}/g, "[^/]+")}$`), template, item }))
    // A path as it is before one with a parameter in its place.
    .sort((a, b) => Number(a.template.includes("{")) - Number(b.template.includes("{")));

  function fits(schema: Schema, value: unknown, what: string): void {
    let validator = validators.get(schema);
    if (!validator) {
      validator = new Validator({ $defs: components.schemas, allOf: [schema] } as Schema, "2020-12", false);
      validators.set(schema, validator);
    }
    const { valid, errors } = validator.validate(value);
    if (valid) return;
    const wrong = errors.slice(-3).map(({ instanceLocation, error }) => `${instanceLocation}: ${error}`);
    throw new Error(`${what} is not as described: ${wrong.join("; ")} in ${JSON.stringify(value)?.slice(0, 500)}`);
  }

  function operationOf(method: string, path: string): Described | undefined {
    const found = templates.find(({ pattern, item }) => pattern.test(path) && item[methodOf(method)]);
    return found?.item[methodOf(method)];
  }

  function answerOf({ responses }: Described, status: number): Answer | undefined {
    const answer = responses[status];
    return answer && "$ref" in answer ? components.responses[answer.$ref.split("/").at(-1)!] : answer;
  }

  function checkQuestion(operation: Described, params: URLSearchParams, body: string): void {
    const declared = (operation.parameters ?? []).filter((parameter) => parameter.in === "query");
    // A route without parameters does not look at the query.
    for (const [name, value] of declared.length > 0 ? params : []) {
      const own = declared.find((parameter) => parameter.name === name);
      const schema = own?.schema ?? declared.map((d) => memberSchema(d.schema, name)).find(Boolean);
      if (!schema) throw new Error(`${operation.operationId} took ${name}, which is not described`);
      if (schema.type === "array") fits(schema, value === "" ? [] : value.split(","), name);
      else fits(schema, typed(value, schema), name);
    }
    if (body === "") return;
    const { schema } = operation.requestBody!.content["application/json"]!;
    fits(schema, JSON.parse(body), `the body that ${operation.operationId} took`);
  }

  return {
    knowsBody({ method, url, body }) {
      const operation = operationOf(method, new URL(url).pathname);
      return body !== null && operation?.requestBody !== undefined && !operation.tags.includes(ITEMWISE);
    },
    async check(request, requestBody, response) {
      const { pathname, searchParams } = new URL(request.url);
      const operation = operationOf(request.method, pathname);
      const type = (response.headers.get("content-type") ?? "").split(";")[0]!;
      const what = `${response.status} ${type} of ${request.method} ${pathname}`;
      if (!operation) {
        if (request.method === "HEAD") return;
        // Below /v1/admin/ other callers do not learn which paths there are.
        const walled = pathname.startsWith("/v1/admin/") && WALL[response.status];
        const code = walled || (response.status === 405 ? "method_not_allowed" : "not_found");
        PROBLEMS[code].parse(await response.clone().json());
        return;
      }
      const described = answerOf(operation, response.status);
      if (!described) throw new Error(`${what} is not described`);
      for (const name of Object.keys(described.headers ?? {}))
        if (!response.headers.has(name)) throw new Error(`${what} lacks the header ${name}`);
      if (response.ok) checkQuestion(operation, searchParams, requestBody);
      if (request.method === "HEAD") return;
      if (!described.content) {
        if (response.body !== null) throw new Error(`${what} has a body`);
        return;
      }
      const media = described.content[type];
      if (!media) throw new Error(`${what} is not described: it may be ${Object.keys(described.content).join(", ")}`);
      if (type.endsWith("json") && !media["x-line-schema"]) fits(media.schema, await response.clone().json(), what);
    },
    checkLine(operationId, line) {
      const all = Object.values(paths).flatMap((item) => Object.values(item));
      const operation = all.find((operation) => operation.operationId === operationId)!;
      fits(
        answerOf(operation, 200)!.content!["application/x-ndjson"]!["x-line-schema"]!,
        line,
        `a line of ${operationId}`,
      );
    },
  };
}

function methodOf(method: string): string {
  return method === "HEAD" ? "get" : method.toLowerCase();
}

/** Of a parameter that stands for all whose names fit a pattern. */
function memberSchema({ propertyNames, additionalProperties }: Schema, name: string): Schema | undefined {
  const fitting = propertyNames?.pattern !== undefined && new RegExp(propertyNames.pattern).test(name);
  return fitting ? (additionalProperties as Schema) : undefined;
}

function typed(value: string, { type }: Schema): unknown {
  return type === "integer" || type === "boolean" ? JSON.parse(value) : value;
}

/**
 * The same document with objects that take no fields but those described, and with references that validators follow.
 */
function withClosedObjects(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withClosedObjects);
  if (typeof value !== "object" || value === null) return value;
  const copy = Object.fromEntries(
    Object.entries(value).map(([key, member]) => [
      key,
      key === "$ref" ? String(member).replace("#/components/schemas/", "#/$defs/") : withClosedObjects(member),
    ]),
  );
  const isObject = copy["type"] === "object" && typeof copy["properties"] === "object";
  return isObject && copy["additionalProperties"] === undefined ? { ...copy, additionalProperties: false } : copy;
}
