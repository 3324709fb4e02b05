/** `GET /openapi.json`: the API as OpenAPI 3.1, derived from the mounted routes and the schemas that check requests. */
import type { Hono } from "hono";
import { z } from "zod";
import type { ErrorCode } from "../errors.ts";
import type { Parameter } from "../parameters.ts";
import type { AppEnv, Deps } from "./context.ts";
import { PROJECT_HEADER } from "./auth.ts";
import { HOST_NAME } from "./cookie.ts";
import { ERROR_HEADERS, inPascalCase, kindOf, PROBLEMS } from "./errors.ts";
import { createJsonSchemas, type Json, type JsonSchemas } from "./json-schema.ts";
import {
  type Answer,
  type Content,
  json,
  type Media,
  type Operation,
  operation,
  operationOf,
  TAGS,
} from "./operation.ts";
import { RpcStatus } from "./otlp.ts";

const INTRODUCTION = `An exact ledger of what LLM calls cost.

Money is a decimal string in USD, exact to 10⁻¹² and without trailing zeros. It is null if nothing is known. Times are
RFC 3339. A range includes its \`from\` and excludes its \`to\`. Unknown query parameters are refused; unknown fields of
calls are ignored. Answers may get further fields: ignore those that you do not know.

A request may be sent again, unchanged, after 408, 429, 500, 503 and no answer at all. Wait first: as many seconds as
\`Retry-After\` says, which every 429 and 503 of the ledger has, otherwise 1 s and twice as long each time, with some
chance in it. After any other status the same request fails again. Routes that change something say what happens when they are sent again.

Errors are RFC 9457 problem details with a \`code\` and a \`request_id\`. Every answer has the same id in the header
\`X-Request-Id\`. A request may bring its own: 1 to 128 letters, digits and \`._:-\`. Errors of OTLP requests are in OTLP's own form. An unknown path answers 404 \`not_found\`; a known path
with another method answers 405 \`method_not_allowed\`.

To try the API, start the ledger with \`npm run dev\` and authorize with the \`apiKey\` from \`.data/dev.json\`.`;

const SECURITY_SCHEMES = {
  apiKey: {
    type: "http",
    scheme: "bearer",
    description:
      "An API key of one project. Its scopes are some of `ingest`, `read` and `admin`; `admin` includes the others.",
  },
  apiKeyAsPassword: { type: "http", scheme: "basic", description: "The API key as the password, with any user name." },
  adminKey: {
    type: "http",
    scheme: "bearer",
    description: "The admin key. It creates projects, API keys and prices of every project.",
  },
  pageSession: {
    type: "apiKey",
    in: "cookie",
    name: HOST_NAME,
    description:
      "The cookie of a session of the page. It stands for the key that signed in. A session of the admin key chooses a project by `X-Project-Id`.",
  },
  metricsToken: { type: "http", scheme: "bearer", description: "The token for a metrics scraper." },
};

/**
 * @param app the app to describe. It is read at the first request, so routes that are mounted later are described too.
 */
export function openApiRoutes(deps: Deps, app: Hono<AppEnv>): void {
  let description: Json | undefined;
  app.get(
    "/openapi.json",
    operation(deps, {
      id: "getDescription",
      tag: "Operations",
      summary: "Read this description as OpenAPI 3.1",
      caller: "anyone",
      answers: { 200: { description: "The OpenAPI document.", content: json(z.record(z.string(), z.unknown())) } },
    }),
    (c) => {
      description ??= describe(app);
      return c.json(description, 200, {
        "Access-Control-Allow-Origin": "*",
        "Cache-Control": "public, max-age=60",
      });
    },
  );
}

/** Components that operations refer to. */
interface Shared {
  schemas: JsonSchemas;
  responses: Record<string, Json>;
}

function describe(app: Hono<AppEnv>): Json {
  const shared: Shared = { schemas: createJsonSchemas(), responses: {} };
  const paths: Record<string, Json> = {};
  for (const { method, path, handler } of app.routes) {
    const operation = operationOf(handler);
    if (operation === undefined) continue;
    const item = (paths[path.replace(/:(\w+)/g, "{$1}")] ??= {});
    item[method.toLowerCase()] = describeOperation(operation, shared);
  }
  return {
    openapi: "3.1.1",
    info: {
      title: "LLM Cost Tracker",
      version: "1",
      summary: "What LLM calls cost, exactly.",
      description: INTRODUCTION,
      license: { name: "MIT", identifier: "MIT" },
    },
    // Relative, because what a request says about its host is not known to be true.
    servers: [{ url: "/" }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths,
    components: { schemas: shared.schemas.named, responses: shared.responses, securitySchemes: SECURITY_SCHEMES },
  };
}

function describeOperation(operation: Operation, shared: Shared): Json {
  const { schemas } = shared;
  const { id, tag, summary, path, headers, query, body, again } = operation;
  const said = [operation.description, again && `Sent again: ${again}`].filter(Boolean).join("\n\n");
  const parameters = [
    ...Object.entries(path ?? {}).map(([name, { schema, description, example }]) => ({
      name,
      in: "path",
      required: true,
      description,
      schema: schemas.of(schema, "input"),
      ...(example !== undefined && { example }),
    })),
    ...Object.entries(query ?? {}).map(([name, parameter]) => describeParameter(name, parameter, schemas)),
    ...Object.entries({ ...headers, ...(isOfProject(operation) && CHOSEN_PROJECT) }).map(([name, description]) => ({
      name,
      in: "header",
      description,
      schema: { type: "string" },
    })),
  ];
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(said !== "" && { description: said }),
    security: securityOf(operation),
    ...(parameters.length > 0 && { parameters }),
    ...(body && {
      requestBody: {
        required: true,
        ...(body.description !== undefined && { description: body.description }),
        content: describeContent(body.content, "input", schemas),
      },
    }),
    responses: {
      ...Object.fromEntries(
        Object.entries(operation.answers).map(([status, answer]) => [status, describeAnswer(answer, schemas)]),
      ),
      ...describeRefusals(operation, shared),
    },
  };
}

function securityOf({ caller, tag, basic }: Operation): Json[] {
  const pageSession = { pageSession: [] };
  switch (caller) {
    case "anyone":
      return [];
    case "page session":
      return [pageSession];
    case "admin key":
      return [{ adminKey: [] }, pageSession];
    case "metrics token, admin key or scope admin":
      return [{ apiKey: ["admin"] }, { metricsToken: [] }, { adminKey: [] }, pageSession];
    case "admin key or scope admin":
      return [{ apiKey: ["admin"] }, { adminKey: [] }, pageSession];
    default:
      return [
        { apiKey: [caller] },
        ...(basic ? [{ apiKeyAsPassword: [caller] }] : []),
        ...(tag === "Ingest" ? [] : [pageSession]),
      ];
  }
}

/** Whether a session of the admin key may choose the project of the request. */
function isOfProject({ caller, tag }: Operation): boolean {
  return tag !== "Ingest" && !["anyone", "admin key", "page session"].includes(caller);
}

const CHOSEN_PROJECT = {
  [PROJECT_HEADER]: "The project that a session of the admin key asks for. Other callers' requests ignore it.",
};

function describeParameter(name: string, parameter: Parameter, schemas: JsonSchemas): Json {
  const { written, description, example, fallback, names } = parameter;
  const one = schemas.of(parameter.schema, "input");
  const list = { type: "array", items: one };
  const shown = (make: (text: string) => unknown): Json => (example === undefined ? {} : { example: make(example) });
  const forms: Record<Parameter["written"], () => Json> = {
    once: () => ({
      schema: { ...one, ...(fallback !== undefined && { default: typed(fallback, one) }) },
      ...shown((text) => typed(text, one)),
    }),
    repeated: () => ({ style: "form", explode: true, schema: list, ...shown((text) => [text]) }),
    commas: () => ({ style: "form", explode: false, schema: list, ...shown((text) => text.split(",")) }),
    // Exploded, an object's members become query parameters that are named by its keys.
    names: () => ({
      style: "form",
      explode: true,
      schema: { type: "object", propertyNames: { pattern: names?.pattern.source }, additionalProperties: list },
      ...shown((text) => ({ [text.split("=")[0]!]: [text.split("=")[1]] })),
    }),
  };
  return { name, in: "query", description, ...forms[written]() };
}

/** The value that a parameter's text stands for. */
function typed(text: string, { type }: Json): unknown {
  return type === "integer" || type === "boolean" ? JSON.parse(text) : text;
}

function describeAnswer({ description, content, headers }: Answer, schemas: JsonSchemas): Json {
  return {
    description,
    ...(headers && {
      headers: Object.fromEntries(
        Object.entries(headers).map(([name, description]) => [
          name,
          { description, required: true, schema: { type: "string" } },
        ]),
      ),
    }),
    ...(content && { content: describeContent(content, "output", schemas) }),
  };
}

function describeContent(content: Content, io: "input" | "output", schemas: JsonSchemas): Json {
  const describeMedia = ({ schema, line, examples }: Media): Json => ({
    schema: schemas.of(schema, io),
    ...(line && { "x-line-schema": schemas.of(line, io) }),
    ...(examples && {
      examples: Object.fromEntries(Object.entries(examples).map(([name, value]) => [name, { value }])),
    }),
  });
  return Object.fromEntries(Object.entries(content).map(([type, media]) => [type, describeMedia(media)]));
}

/** The problems that the operation may answer with, by status. */
function describeRefusals(operation: Operation, { schemas, responses }: Shared): Json {
  const byStatus = Map.groupBy(new Set(refusalsOf(operation)), (code) => String(kindOf(code).status));
  const answers = [...byStatus].map(([status, codes]) => {
    const name = [...codes, ...(operation.otlp ? ["or_otlp"] : [])].map(inPascalCase).join("");
    responses[name] ??= describeRefusal(codes, operation.otlp ?? false, schemas);
    return [status, { $ref: `#/components/responses/${name}` }] as const;
  });
  return Object.fromEntries(answers);
}

function describeRefusal(codes: ErrorCode[], otlp: boolean, schemas: JsonSchemas): Json {
  const problems = codes.map((code) => PROBLEMS[code]);
  const content: Content = {
    "application/problem+json": { schema: problems.length === 1 ? problems[0]! : z.union(problems) },
    ...(otlp && { "application/json": { schema: RpcStatus }, "application/x-protobuf": { schema: z.file() } }),
  };
  const description = codes.map((code) => `\`${code}\`: ${kindOf(code).means}`).join("\n\n");
  const sent = ERROR_HEADERS[kindOf(codes[0]!).status];
  const headers =
    sent && Object.fromEntries(Object.entries(sent).map(([name, { description }]) => [name, description]));
  return describeAnswer({ description, content, ...(headers && { headers }) }, schemas);
}

function refusalsOf(operation: Operation): ErrorCode[] {
  const { caller, tag, query, body, again, refusals = [] } = operation;
  return [
    ...(tag === "Ingest" ? [] : (["invalid_parameter"] as const)),
    ...(query ? (["answer_too_large"] as const) : []),
    ...(body
      ? (["invalid_body", "body_timeout", "body_too_large", "unsupported_media_type", "overloaded"] as const)
      : []),
    ...refusals,
    ...(isOfProject(operation) ? (["not_found"] as const) : []),
    ...(caller === "anyone"
      ? []
      : (["unauthorized", "forbidden", "rate_limited", "database_unavailable", "internal"] as const)),
    ...(caller !== "anyone" && again !== undefined && tag !== "Ingest" ? (["cross_origin"] as const) : []),
  ];
}
