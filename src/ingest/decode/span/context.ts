/**
 * The context of a call: its user, session and tags. Many tools put them only on a span above the call. So each is
 * taken from the nearest span above that has it, among the spans of the body. The write looks for the rest.
 */
import { READ_NAMES } from "./attributes.ts";
import { codeTags } from "./code-tags.ts";
import {
  IDENTITIES,
  JSON_TAGS,
  METADATA,
  METADATA_SESSION,
  METADATA_USER,
  NOT_TAGS,
  RESOURCE_TAGS,
  SESSION,
  STEP_TAG,
  TAG_LISTS,
  TAG_PREFIXES,
  USER,
} from "./context-attributes.ts";
import { remembered } from "../remembered.ts";
import { MAX_TEXT, MAX_TAG_KEY, MAX_TAG_VALUE, MAX_TAGS } from "../../../ledger/call.ts";
import {
  documentOf,
  listOf,
  personOf,
  textOf,
  type Attributes,
  type AttributeValue,
  type Span,
  type SpanSource,
} from "./span.ts";

export interface Context {
  userId: string | null;
  sessionId: string | null;
  tags: ReadonlyMap<string, string>;
}

export const NO_CONTEXT: Context = { userId: null, sessionId: null, tags: new Map() };
const DOCUMENT_IDENTITIES: ReadonlySet<string> = new Set([...METADATA_USER, ...METADATA_SESSION]);
/** Names that JavaScript treats specially on a plain object. */
const UNSAFE_KEYS: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);

/** The contexts of the spans of one body. */
export class Contexts {
  readonly #spans = new Map<string, Span>();
  /** Spans whose id also occurs in another trace of the body, by trace id and span id. */
  readonly #namesakes = new Map<string, Span>();
  readonly #inherited = new Map<Span, Context>();
  /** By attribute and trace. Null where spans disagree. */
  readonly #inTraces = new Map<string, Map<string, AttributeValue | null>>();
  /** By source, because many spans share one. */
  readonly #resources = new Map<SpanSource, Context>();

  constructor(spans: readonly Span[]) {
    for (const span of spans) {
      const other = this.#spans.get(span.spanId);
      if (other === undefined || other.traceId === span.traceId) this.#spans.set(span.spanId, span);
      else this.#namesakes.set(`${span.traceId}:${span.spanId}`, span);
    }
  }

  /** The context of a span: its own, then that of its resource, then that of the nearest span above it. */
  of(span: Span): Context {
    const above = this.#above(span);
    const own = inherit(ownContext(span.attributes), this.#resource(span.source));
    return above === undefined ? own : inherit(own, this.inherited(above));
  }

  /** The context that a span passes on to spans below it: its own, then that of the nearest span above it. */
  inherited(span: Span): Context {
    // The path ends at the root, at a known context, or at a span seen before, because parents may form a circle.
    const path: Span[] = [];
    const seen = new Set<Span>();
    let at: Span | undefined = span;
    while (at !== undefined && !this.#inherited.has(at) && !seen.has(at)) {
      path.push(at);
      seen.add(at);
      at = this.#above(at);
    }
    let context = (at && this.#inherited.get(at)) ?? NO_CONTEXT;
    for (const below of path.reverse()) {
      context = inherit(kept(ownContext(below.attributes)), context);
      this.#inherited.set(below, context);
    }
    return context;
  }

  /** The value of an attribute on the nearest span above that has it. */
  above(span: Span, name: string): AttributeValue | undefined {
    const seen = new Set([span]);
    for (let at = this.#above(span); at !== undefined && !seen.has(at); at = this.#above(at)) {
      if (at.attributes.has(name)) return at.attributes.get(name);
      seen.add(at);
    }
    return undefined;
  }

  /** The value of an attribute in a trace, if all spans of the trace that have it agree. */
  inTrace(traceId: string, name: string): AttributeValue | undefined {
    let ofTraces = this.#inTraces.get(name);
    if (ofTraces === undefined) {
      this.#inTraces.set(name, (ofTraces = new Map()));
      for (const span of [...this.#spans.values(), ...this.#namesakes.values()]) {
        const value = span.attributes.get(name);
        if (value === undefined) continue;
        const other = ofTraces.get(span.traceId);
        ofTraces.set(span.traceId, other === undefined || other === value ? value : null);
      }
    }
    return ofTraces.get(traceId) ?? undefined;
  }

  #resource(source: SpanSource): Context {
    let context = this.#resources.get(source);
    if (!context) this.#resources.set(source, (context = resourceContext(source)));
    return context;
  }

  #above({ traceId, parentId }: Span): Span | undefined {
    if (parentId === "") return undefined;
    const span = this.#spans.get(parentId);
    return span === undefined || span.traceId === traceId ? span : this.#namesakes.get(`${traceId}:${parentId}`);
  }
}

/**
 * Drops text that cannot be stored. A call is refused for such text of its own, but not for that of a span above it.
 */
function kept(context: Context): Context {
  const bad = (text: string | null): boolean =>
    text !== null && (text.length > MAX_TEXT || text.includes("\0") || !text.isWellFormed());
  if (!bad(context.userId) && !bad(context.sessionId)) return context;
  return {
    ...context,
    userId: bad(context.userId) ? null : context.userId,
    sessionId: bad(context.sessionId) ? null : context.sessionId,
  };
}

function inherit(own: Context, above: Context): Context {
  if (own === NO_CONTEXT || above === NO_CONTEXT) return own === NO_CONTEXT ? above : own;
  const tags = own.tags.size === 0 ? above.tags : above.tags.size === 0 ? own.tags : merge(own.tags, above.tags);
  return { userId: own.userId ?? above.userId, sessionId: own.sessionId ?? above.sessionId, tags };
}

function resourceContext({ resource, scope }: SpanSource): Context {
  const tags = new Map<string, string>();
  for (const [tag, names] of RESOURCE_TAGS) {
    const name = names.find((name) => resource.has(name));
    if (name !== undefined) addTag(tags, tag, resource.get(name));
  }
  for (const [tag, value] of codeTags((names) => textOf(resource, names), true)) addTag(tags, tag, value);
  return inherit(inherit(ownContext(scope), ownContext(resource, true)), { ...NO_CONTEXT, tags });
}

function ownContext(attributes: Attributes, isResource = false): Context {
  if (attributes.size === 0) return NO_CONTEXT;
  let tags: Map<string, string> | undefined;
  let isNamed = false;
  for (const [name, value] of attributes) {
    // A name that is read for a field, e.g. for the user, is not a tag too.
    if (READ_NAMES.has(name)) isNamed ||= IDENTITIES.has(name);
    else {
      const key = tagOf(name);
      if (key !== null) addTag((tags ??= new Map()), key, JSON_TAGS.test(name) ? unquoted(value) : value);
    }
  }
  if (!isNamed) return tags === undefined ? NO_CONTEXT : { ...NO_CONTEXT, tags };
  tags ??= new Map();
  if (TAG_LISTS.some((name) => attributes.has(name))) {
    const lists = TAG_LISTS.flatMap((name) => (attributes.has(name) ? listOf(attributes, name) : []));
    // Some send a list as one text.
    const bare = lists.flatMap((list) => list.split(/,\s*/)).filter((tag) => tag !== "" && !STEP_TAG.test(tag));
    if (bare.length > 0) addTag(tags, "tag", bare.join(","));
  }
  const code = isResource ? [] : codeTags((names) => textOf(attributes, names), false);
  for (const [tag, value] of code) addTag(tags, tag, value);

  const metadata = attributes.has(METADATA) ? documentOf(attributes, METADATA) : null;
  for (const key of metadata ? Object.keys(metadata) : []) {
    if (!DOCUMENT_IDENTITIES.has(key) && !NOT_TAGS.test(key)) addTag(tags, key, metadata![key]);
  }
  return {
    userId: personOf(attributes, USER) ?? (metadata && textIn(metadata, METADATA_USER)),
    sessionId: textOf(attributes, SESSION) ?? (metadata && textIn(metadata, METADATA_SESSION)),
    tags,
  };
}

/** The name without its tag prefix. Null if it is no tag's. */
const tagOf = remembered((name): string | null => {
  const prefix = TAG_PREFIXES.find((start) => name.startsWith(start));
  const key = prefix === undefined ? null : name.slice(prefix.length);
  return key !== null && NOT_TAGS.test(key) ? null : key;
});

function addTag(tags: Map<string, string>, key: string, value: unknown): void {
  if (typeof value !== "string" || key === "" || key.length > MAX_TAG_KEY || UNSAFE_KEYS.has(key)) return;
  const name = clean(key);
  if (tags.size < MAX_TAGS && !tags.has(name)) tags.set(name, clean(value.slice(0, MAX_TAG_VALUE)));
}

function unquoted(value: AttributeValue): AttributeValue {
  return typeof value === "string" && /^"[^"\\]*"$/.test(value) ? value.slice(1, -1) : value;
}

function merge(own: ReadonlyMap<string, string>, above: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const merged = new Map(own);
  for (const [key, value] of above) {
    if (merged.size >= MAX_TAGS) break;
    if (!merged.has(key)) merged.set(key, value);
  }
  return merged;
}

function textIn(document: Record<string, unknown>, names: readonly string[]): string | null {
  for (const name of names) {
    const value = Object.hasOwn(document, name) ? document[name] : null;
    if (typeof value === "string" && value !== "") return value;
  }
  return null;
}

/** Replaces NUL and half surrogate pairs, which Postgres cannot store. */
function clean(text: string): string {
  if (!text.includes("\0") && text.isWellFormed()) return text;
  return text.toWellFormed().replaceAll("\0", "\ufffd");
}
