/**
 * One line of JSON for each request, cron run and batch of messages. A line holds ids, numbers and names that this
 * program chose: never payloads, keys, paths, queries, parameters of SQL, or names that callers chose. Messages of errors
 * may hold any of these, so of an error the line has its name, its code and the places in its stack.
 */
import type { Observer, RequestEvent } from "./observer.ts";
import type { Timings } from "./timings.ts";

export const LOG_LEVELS = ["info", "warn", "error", "off"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
type LineLevel = Exclude<LogLevel, "off">;

/** Writes a line if its level is logged. */
export interface Log {
  (level: LineLevel, fields: Readonly<Record<string, unknown>>): void;
  isOn(level: LineLevel): boolean;
}

/** @param least lines below this level are not written. */
export function createLog(least: LogLevel, now: () => number): Log {
  const isOn = (level: LineLevel): boolean => LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(least);
  const log = (level: LineLevel, fields: Readonly<Record<string, unknown>>): void => {
    if (isOn(level)) WRITERS[level](JSON.stringify({ level, time: new Date(now()).toISOString(), ...fields }));
  };
  return Object.assign(log, { isOn });
}

const WRITERS: Record<LineLevel, (line: string) => void> = {
  // oxlint-disable-next-line no-console -- lines of requests go where the platform reads them
  info: (line) => console.log(line),
  // oxlint-disable-next-line no-console
  warn: (line) => console.warn(line),
  error: (line) => console.error(line),
};

/** Logs each request and each run. */
export function logging(log: Log): Observer {
  return {
    request(event) {
      const level = levelOf(event);
      if (log.isOn(level)) log(level, requestFields(event, level));
    },
    run({ kind, durationMs, traceId, failure, counts, timings }) {
      const error = failure === null ? {} : { error: describeError(failure) };
      const spent = spentFields(timings);
      log(failure === null ? "info" : "error", {
        event: kind,
        trace_id: traceId,
        duration_ms: durationMs,
        ...spent,
        ...counts,
        ...error,
      });
    },
  };
}

function levelOf({ status, failure }: RequestEvent): LineLevel {
  if (status === 503 || status === 429) return "warn";
  return status >= 500 || failure !== null ? "error" : "info";
}

function requestFields(event: RequestEvent, level: LineLevel): Record<string, unknown> {
  const { counts } = event;
  // JSON leaves out what is undefined.
  return {
    event: "request",
    request_id: event.requestId,
    trace_id: event.traceId,
    project_id: event.projectId ?? undefined,
    method: event.method,
    route: event.route,
    status: event.status,
    duration_ms: event.durationMs,
    ...spentFields(event.timings),
    bytes_in: event.bytesIn ?? undefined,
    ...(counts && {
      accepted: counts.accepted,
      inserted: counts.inserted,
      duplicates: counts.duplicates,
      rejected: counts.rejected,
    }),
    cache: event.cache ?? undefined,
    error_code: event.errorCode ?? undefined,
    error: event.failure === null ? undefined : describeError(event.failure, level === "error"),
  };
}

function spentFields(timings: Timings): Record<string, number | undefined> {
  const queued = timings.messages > 0;
  return {
    db_ms: timings.databaseMs,
    db_statements: timings.statements,
    db_rows: timings.rows,
    redis_ms: timings.redisMs,
    redis_commands: timings.commands,
    queue_ms: queued ? timings.queueMs : undefined,
    queue_messages: queued ? timings.messages : undefined,
  };
}

interface DescribedError {
  name: string;
  /** A SQLSTATE, or a code such as `ECONNREFUSED`. */
  code?: string | undefined;
  cause?: DescribedError | undefined;
  /** Functions and places in the program. */
  stack?: string[];
}

/** A line about work that failed beside a request or within a run. Other work went on. */
export function errorLine(event: string, fields: Readonly<Record<string, unknown>>, error: unknown): string {
  return JSON.stringify({ level: "error", event, ...fields, error: describeError(error) });
}

/** What of an error holds no values. */
export function describeError(error: unknown, withStack = true): DescribedError {
  if (!(error instanceof Error)) return { name: typeof error };
  const { code } = error as { code?: unknown };
  return {
    name: nameOf(error),
    code: typeof code === "string" && /^[A-Z0-9_]{2,40}$/.test(code) ? code : undefined,
    cause: error.cause instanceof Error ? describeError(error.cause, false) : undefined,
    ...(withStack && { stack: framesOf(error) }),
  };
}

function nameOf({ name }: Error): string {
  return /^\w{1,60}$/.test(name) ? name : "Error";
}

/** A message may itself have lines that look like places, so it is taken off first. */
function framesOf({ stack = "", message }: Error): string[] {
  const frames = message === "" ? stack : stack.replace(message, () => "");
  return frames
    .split("\n")
    .filter((line) => FRAME.test(line))
    .slice(0, 20)
    .map((line) => line.trim());
}

const FRAME = /^ {4}at (?:(?:async )?(?:new )?[\w.<>$#[\] ]{1,100} \()?[\w./:@$-]{1,200}:\d+:\d+\)?$/;
