/**
 * W3C Trace Context: which trace a request belongs to. A valid `traceparent` is joined, and decides whether the trace is
 * sampled. Otherwise a trace begins, and its id decides.
 */

/** The place of one piece of our work in a trace. */
export interface TraceContext {
  traceId: string;
  /** The span of our work. */
  spanId: string;
  /** The caller's span. Null if the trace begins here. */
  parentSpanId: string | null;
  sampled: boolean;
  /** The random flag of the caller. A trace that begins here has it, because its id ends in random bits. */
  random: boolean;
  /** The caller's `tracestate`. Null if it has none, or none that is valid. */
  traceState: string | null;
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const SAMPLED = 1;
const RANDOM = 2;

/**
 * @param uuid a random one. A trace that begins here has it as its id, so that its last 13 digits are random.
 * @param rate the share of the traces beginning here that are sampled.
 */
export function traceOf(
  traceparent: string | undefined,
  tracestate: string | undefined,
  uuid: string,
  rate: number,
): TraceContext {
  const spanId = newSpanId();
  const parent = parse(traceparent);
  if (parent === null) {
    const traceId = uuid.replaceAll("-", "");
    return { traceId, spanId, parentSpanId: null, sampled: isSampled(traceId, rate), random: true, traceState: null };
  }
  return { ...parent, spanId, traceState: tracestate && isTraceState(tracestate) ? tracestate : null };
}

/** The header of an answer: the trace and our span in it. */
export function formatTraceparent({ traceId, spanId, sampled, random }: TraceContext): string {
  const flags = (sampled ? SAMPLED : 0) | (random ? RANDOM : 0);
  return `00-${traceId}-${spanId}-0${flags}`;
}

/** Of a random UUID, whose digits are random at both ends. */
export function newSpanId(): string {
  const uuid = crypto.randomUUID();
  const id = uuid.slice(0, 8) + uuid.slice(-8);
  return id === NO_SPAN ? newSpanId() : id;
}

const NO_TRACE = "0".repeat(32);
const NO_SPAN = "0".repeat(16);

/** Null if the header must be passed over. A later version may have more parts; version ff is none. */
function parse(header = ""): Pick<TraceContext, "traceId" | "parentSpanId" | "sampled" | "random"> | null {
  const [, version, traceId, parentSpanId, flags, more] = TRACEPARENT.exec(header.trim()) ?? [];
  if (version === undefined || version === "ff" || (version === "00" && more !== undefined)) return null;
  if (traceId === NO_TRACE || parentSpanId === NO_SPAN) return null;
  const bits = Number.parseInt(flags!, 16);
  return {
    traceId: traceId!,
    parentSpanId: parentSpanId!,
    sampled: (bits & SAMPLED) !== 0,
    random: (bits & RANDOM) !== 0,
  };
}

/** By the id's last 52 bits, so that whoever judges by these judges alike. */
function isSampled(traceId: string, rate: number): boolean {
  return Number.parseInt(traceId.slice(-13), 16) >= (1 - rate) * 2 ** 52;
}

const MEMBER =
  /^\s*(?:[a-z0-9][a-z0-9_\-*/]{0,255}(?:@[a-z][a-z0-9_\-*/]{0,13})?=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{1,256}|)\s*$/;

function isTraceState(header: string): boolean {
  if (header.length > 512) return false;
  const members = header.split(",");
  return members.length <= 32 && members.every((member) => MEMBER.test(member));
}
