/**
 * The messages of the queue: priced calls and links of one project, as text of limited size. A message lists the fields
 * once, and each row is an array of their values. So names are not repeated, and a Worker can read the messages of
 * another version. For the same reason the names of a message's members must not change. Bigints are decimal strings.
 */
import { type Bucket, BUCKETS } from "../ledger/buckets.ts";
import type { Price } from "../pricing/price.ts";
import type { Cost } from "../pricing/cost.ts";
import { COUNT_FIELDS, type Call, type Link } from "../ledger/call.ts";
import { NOT_STORED } from "../ledger/covered-by.ts";
import type { CountField } from "../ledger/counts.ts";
import type { Batch } from "../write/write-batch.ts";
import type { PricedCall } from "../write/columns.ts";

/** Cloudflare allows 128,000 bytes, and uses a part of them itself. */
export const MAX_MESSAGE_BYTES = 127_000;

/** The type makes this list complete: a new field of a call needs a new line here. A new count needs none. */
const CALL_FIELDS: readonly (keyof Call)[] = [
  ...COUNT_FIELDS,
  ...fieldsOf<Omit<Call, CountField>>({
    id: true,
    clientId: true,
    traceId: true,
    spanId: true,
    parentId: true,
    responseId: true,
    otherIds: true,
    startedAtMs: true,
    durationUs: true,
    application: true,
    environment: true,
    provider: true,
    model: true,
    requestModel: true,
    requestProvider: true,
    doubt: true,
    unknownUsageMembers: true,
    operation: true,
    serviceTier: true,
    userId: true,
    sessionId: true,
    tags: true,
    status: true,
    errorType: true,
    reportedCostPico: true,
    billable: true,
    wrapper: true,
    rule: true,
    usageSemantics: true,
    costIs: true,
    coveredBy: true,
  }),
];
const COST_FIELDS = fieldsOf<Cost>({ costPico: true, unpricedReason: true, price: true, provider: true });
const LINK_FIELDS = fieldsOf<Link>({
  traceId: true,
  spanId: true,
  parentId: true,
  startedAtMs: true,
  wrapper: true,
  userId: true,
  sessionId: true,
  tags: true,
  ofInterest: true,
});

/** The buckets of messages that do not list them. */
const FIRST_BUCKETS: readonly Bucket[] = [
  "input",
  "cache_read",
  "cache_write",
  "cache_write_1h",
  "input_audio",
  "input_image",
  "output",
  "reasoning",
  "output_audio",
  "output_image",
  "request",
  "web_search",
];
/** What a call has where its message is of a version that did not know the field. */
const UNSAID: Partial<Call> = {
  ...Object.fromEntries(CALL_FIELDS.map((field) => [field, null])),
  unknownUsageMembers: [],
  otherIds: [],
  coveredBy: NOT_STORED,
};

interface Message {
  project: string;
  traceFields: readonly string[];
  costFields: readonly string[];
  linkFields: readonly string[];
  /** The buckets in the order of `unitPico`. */
  buckets?: readonly Bucket[];
  /** The price lists. Costs refer to them by their ids. */
  prices: Price[];
  /** The rows of calls: the values of the call, then the values of its cost. */
  traces: unknown[][];
  links: unknown[][];
}

/** The messages that carry a batch, and the part of the batch that is too large for any message. */
export interface Packed {
  messages: string[];
  rest: Batch;
}

const encoder = new TextEncoder();

export function packMessages(projectId: string, { calls, links }: Batch, maxBytes = MAX_MESSAGE_BYTES): Packed {
  const head = JSON.stringify({
    project: projectId,
    traceFields: CALL_FIELDS,
    costFields: COST_FIELDS,
    linkFields: LINK_FIELDS,
    buckets: BUCKETS,
  }).slice(0, -1);
  const empty = sizeOf(`${head},"prices":[],"traces":[],"links":[]}`);
  const messages: string[] = [];
  const rest = { calls: [] as PricedCall[], links: [] as Link[] };
  let open = { bytes: empty, prices: new Map<string, string>(), traces: [] as string[], links: [] as string[] };

  function close(): void {
    if (open.traces.length + open.links.length === 0) return;
    const prices = [...open.prices.values()].join();
    messages.push(`${head},"prices":[${prices}],"traces":[${open.traces.join()}],"links":[${open.links.join()}]}`);
    open = { bytes: empty, prices: new Map(), traces: [], links: [] };
  }

  /** @returns false if it is too large even for a message of its own. */
  function add(kind: "traces" | "links", text: string, price: Price | null): boolean {
    const listed = price === null ? "" : JSON.stringify(price, priceReplacer);
    const own = sizeOf(text) + 1;
    const withPrice = own + (listed === "" ? 0 : sizeOf(listed) + 1);
    if (empty + withPrice > maxBytes) return false;
    let bytes = price === null || open.prices.has(price.id) ? own : withPrice;
    if (open.bytes + bytes > maxBytes) {
      close();
      bytes = withPrice;
    }
    if (price !== null) open.prices.set(price.id, listed);
    open[kind].push(text);
    open.bytes += bytes;
    return true;
  }

  for (const priced of calls) {
    if (!add("traces", encodeCall(priced), priced.cost.price)) rest.calls.push(priced);
  }
  for (const link of links) {
    if (!add("links", JSON.stringify(LINK_FIELDS.map((field) => link[field])), null)) rest.links.push(link);
  }
  close();
  return { messages, rest };
}

/** @throws Error if the text is not a message of this ledger. */
export function readMessage(text: unknown): { projectId: string; batch: Batch } {
  if (typeof text !== "string") throw new TypeError("the message is not a text");
  const message = JSON.parse(text) as Message;
  const { project, traceFields, costFields, linkFields, buckets = FIRST_BUCKETS, prices, traces, links } = message;
  const places = BUCKETS.map((bucket) => buckets.indexOf(bucket));
  const byId = new Map(
    prices.map(({ unitPico, ...price }): [string, Price] => [
      price.id,
      { ...price, unitPico: places.map((place) => whole(unitPico[place] ?? null)) },
    ]),
  );
  return {
    projectId: project,
    batch: {
      calls: traces.map((values) => {
        const call = rowOf(traceFields, values);
        const cost = rowOf(costFields, values.slice(traceFields.length));
        const price = cost["price"] === null ? null : byId.get(String(cost["price"]));
        if (price === undefined) throw new TypeError("the message lacks a price");
        return {
          call: { ...UNSAID, ...call, reportedCostPico: whole(call["reportedCostPico"]) } as unknown as Call,
          cost: { ...cost, costPico: whole(cost["costPico"]), price } as unknown as Cost,
        };
      }),
      links: links.map((values) => rowOf(linkFields, values) as unknown as Link),
    },
  };
}

function encodeCall({ call, cost }: PricedCall): string {
  const values: unknown[] = CALL_FIELDS.map((field) => call[field]);
  for (const field of COST_FIELDS) values.push(field === "price" ? (cost.price?.id ?? null) : cost[field]);
  for (let i = 0; i < values.length; i++) if (typeof values[i] === "bigint") values[i] = String(values[i]);
  return JSON.stringify(values);
}

const PRICE_FIELDS = new Set<string>(
  fieldsOf<Price>({
    id: true,
    source: true,
    version: true,
    provider: true,
    model: true,
    unitPico: true,
    confidence: true,
  }),
);

/** Leaves out the fields of a catalogue price that a call does not need. */
function priceReplacer(this: unknown, key: string, value: unknown): unknown {
  if (typeof value === "bigint") return String(value);
  return key === "" || Array.isArray(this) || PRICE_FIELDS.has(key) ? value : undefined;
}

function whole(value: unknown): bigint | null {
  return value === null ? null : BigInt(value as string);
}

function rowOf(fields: readonly string[], values: readonly unknown[]): Record<string, unknown> {
  return Object.fromEntries(fields.map((field, i) => [field, values[i]]));
}

function sizeOf(text: string): number {
  return encoder.encode(text).length;
}

function fieldsOf<T>(fields: Record<keyof T, true>): (keyof T & string)[] {
  return Object.keys(fields) as (keyof T & string)[];
}
