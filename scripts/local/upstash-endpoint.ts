/**
 * Upstash's Redis over HTTP, in front of a real Redis or of one in memory: what `@upstash/redis` talks to.
 *
 * `POST /` takes one command, `/pipeline` and `/multi-exec` a list of them. Replies are `{result}` or, with a status
 * that isn't 2xx, `{error}`; lists answer 200 with one of either per command. With `Upstash-Encoding: base64` strings
 * are encoded, nested ones too, except `"OK"`; numbers and null stay as they are. The Redis in memory is laxer than a
 * real one about types: it gives NaN or null where that answers WRONGTYPE.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { Redis } from "ioredis";
import { listenHttp, readBody } from "./http-server.ts";
import { StartError } from "./start-error.ts";

const maxBytes = 10 * 1024 * 1024;

export interface UpstashEndpointOptions {
  /** A real Redis, `redis://…`; without one the data lives in memory and ends with the process. */
  redisUrl?: string | undefined;
  /** The bearer token that callers must send. */
  token: string;
  port?: number;
}

type Command = [name: string, ...args: string[]];
type Reply = { result: unknown } | { error: string };

export async function startUpstashEndpoint(
  options: UpstashEndpointOptions,
): Promise<{ url: string; close(): Promise<void> }> {
  const redis =
    options.redisUrl === undefined ? await memoryRedis(options.token) : await connectRedis(options.redisUrl);

  const answer = async (request: IncomingMessage): Promise<{ status: number; body: unknown }> => {
    if (request.headers.authorization !== `Bearer ${options.token}`)
      return failure(401, "WRONGPASS invalid or missing auth token");
    const run = request.method === "POST" ? routes[request.url ?? ""] : undefined;
    if (!run) return failure(404, "not found: POST /, /pipeline or /multi-exec");
    const body = await readBody(request, maxBytes);
    if (!body) return failure(413, `ERR max request size exceeded. Limit: ${maxBytes} bytes`);
    const input = parse(body);
    const replies = await run(redis, input);
    if (typeof replies === "string") return failure(400, replies);
    const encoded = request.headers["upstash-encoding"] === "base64" ? replies.map(encode) : replies;
    if (request.url !== "/") return { status: 200, body: encoded };
    const [reply = { result: null }] = encoded;
    return { status: "error" in reply ? 400 : 200, body: reply };
  };

  const http = await listenHttp((request, response) => {
    answer(request)
      .catch((error: Error) => failure(500, `ERR ${error.message}`))
      .then(({ status, body }) => send(response, status, body));
  }, options.port);
  return {
    url: http.url,
    close: async () => {
      await http.close();
      redis.disconnect();
    },
  };
}

/** Each takes the parsed body and gives the replies, or what is wrong with the whole request. */
const routes: Record<string, (redis: Redis, input: unknown) => Promise<Reply[] | string>> = {
  "/": async (redis, input) => {
    const command = asCommand(input);
    return command ? [await execute(redis, command)] : "ERR a command is an array that starts with its name";
  },
  "/pipeline": async (redis, input) => {
    const commands = asCommands(input);
    return commands
      ? Promise.all(commands.map((command) => execute(redis, command)))
      : "ERR commands are a list of arrays";
  },
  "/multi-exec": async (redis, input) => {
    const commands = asCommands(input);
    return commands ? transact(redis, commands) : "ERR commands are a list of arrays";
  },
};

async function execute(redis: Redis, [name, ...args]: Command): Promise<Reply> {
  try {
    return { result: flatten(await invoke(redis, asCall([name, ...args]))) };
  } catch (error) {
    return { error: asRedisError(error as Error) };
  }
}

const builtIn = new Set(Redis.prototype.getBuiltinCommands());
/** They change or block the one connection that all callers share; Upstash refuses them too. */
const refused = new Set(
  "auth blmove blmpop blpop brpop brpoplpush bzpopmax bzpopmin discard exec monitor multi psubscribe punsubscribe quit reset select shutdown ssubscribe subscribe unsubscribe unwatch watch".split(
    " ",
  ),
);

// The one in memory knows its commands as methods only.
function invoke(redis: Redis, [name, ...args]: Command): unknown {
  if (refused.has(name)) throw new Error(`ERR Command is not available: '${name}'`);
  const method = builtIn.has(name)
    ? (redis as unknown as Record<string, unknown>)[name]
    : redis.call?.bind(redis, name);
  if (typeof method !== "function") throw new Error(`ERR unknown command '${name}'`);
  return (method as (...args: string[]) => unknown).apply(redis, args);
}

/** Where options start among the arguments: the one in memory knows them in capitals only. */
const optionsAt: Record<string, number> = { set: 2, getex: 1, expire: 2, pexpire: 2 };

function asCall([name, ...args]: Command): Command {
  const command = name.toLowerCase();
  const start = optionsAt[command] ?? args.length;
  return [command, ...args.map((arg, index) => (index >= start && optionNames.has(arg) ? arg.toUpperCase() : arg))];
}

const optionNames = new Set(["nx", "xx", "gt", "lt", "ex", "px", "exat", "pxat", "keepttl", "persist", "get"]);

async function transact(redis: Redis, commands: Command[]): Promise<Reply[] | string> {
  const unknown = commands.find(([name]) => refused.has(name.toLowerCase()) || !builtIn.has(name.toLowerCase()));
  if (unknown) return `EXECABORT Transaction discarded: unknown command '${unknown[0]}'`;
  try {
    const replies = await redis.multi(commands.map(asCall)).exec();
    return (replies ?? []).map(([error, result]) =>
      error ? { error: asRedisError(error) } : { result: flatten(result) },
    );
  } catch (error) {
    return asRedisError(error as Error);
  }
}

// The client library turns some replies (HGETALL) into objects; on the wire they are flat lists.
function flatten(reply: unknown): unknown {
  if (reply === undefined || reply === null) return null;
  if (Buffer.isBuffer(reply)) return reply.toString();
  if (Array.isArray(reply)) return reply.map(flatten);
  if (typeof reply === "object") return Object.entries(reply).flat();
  return reply;
}

function asRedisError({ message }: Error): string {
  return /^[A-Z]+ /.test(message) ? message : `ERR ${message}`;
}

function encode(reply: Reply): Reply {
  return "error" in reply ? reply : { result: encodeValue(reply.result) };
}

function encodeValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(encodeValue);
  if (typeof value !== "string" || value === "OK") return value;
  return Buffer.from(value).toString("base64");
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}

function asCommands(input: unknown): Command[] | undefined {
  if (!Array.isArray(input)) return undefined;
  const commands = input.map(asCommand);
  return commands.every((command) => command !== undefined) ? commands : undefined;
}

function asCommand(input: unknown): Command | undefined {
  if (!Array.isArray(input) || typeof input[0] !== "string") return undefined;
  return input.map((part) => (typeof part === "string" ? part : JSON.stringify(part))) as Command;
}

// Instances with one host share their data in that library: the token keeps those of two stacks apart.
async function memoryRedis(token: string): Promise<Redis> {
  const { default: RedisMock } = (await import("ioredis-mock" as string)) as { default: typeof Redis };
  return new RedisMock({ host: token });
}

async function connectRedis(redisUrl: string): Promise<Redis> {
  const redis = new Redis(redisUrl, { lazyConnect: true, maxRetriesPerRequest: 1, connectTimeout: 5_000 });
  let lastError = "";
  redis.on("error", (error: Error) => (lastError = error.message));
  try {
    await redis.connect();
    await redis.ping();
    return redis;
  } catch (error) {
    redis.disconnect();
    throw new StartError(`The Redis of REDIS_URL cannot be used: ${lastError || (error as Error).message}.`);
  }
}

function failure(status: number, error: string): { status: number; body: { error: string } } {
  return { status, body: { error } };
}

function send(response: ServerResponse, status: number, body: unknown): void {
  if (response.destroyed) return;
  const json = JSON.stringify(body);
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(json) });
  response.end(json);
}
