/** JSON with what `JSON.stringify` cannot write, and with mistakes. */
import type { Draw } from "./draw.ts";

/** A value that is written as this text. */
export class Raw {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

const brackets = (levels: number): Raw => new Raw("[".repeat(levels) + "]".repeat(levels));
const inObjects = (levels: number): Raw => new Raw(`${'{"a":'.repeat(levels)}1${"}".repeat(levels)}`);

/** Text that is wrong, or hard to take, in many places. */
export const TEXTS: readonly string[] = [
  "",
  " ",
  "\0",
  "a\0b",
  "\ud800",
  "x\udc00x",
  "😀",
  "e\u0301\u202e\ufeff\uffff",
  "NaN",
  "Infinity",
  "-1",
  "1e400",
  "0x10",
  "null",
  "true",
  "__proto__",
  "constructor",
  "toString",
  "(other)",
  "' or 1=1 --",
  "\\",
  "{}",
  "%00",
  "%s",
  "*",
  "a,b",
  "../..",
  "infinity",
  "2025-02-29T00:00:00Z",
  "0000-01-01T00:00:00Z",
  "9999-12-31T23:59:59.999999999Z",
  "2025-03-10T00:00:00+99:99",
  "x".repeat(1_025),
  "é".repeat(20_000),
];

/** What stands for a value: each is JSON by itself, and nests less than 512 levels. */
const VALUES: readonly unknown[] = [
  ...TEXTS,
  ...["1e400", "-1e400", "1e-400", "2147483647", "2147483648", "-1", "-0", "0.1", "9007199254740993"].map(
    (text) => new Raw(text),
  ),
  ...["18446744073709551616", "1e308", '"\\u0000"', '{"__proto__":{"a":1}}', '{"constructor":1,"a":2,"a":3}'].map(
    (text) => new Raw(text),
  ),
  null,
  true,
  false,
  0,
  1,
  1_741_564_800_000,
  [],
  {},
  [null],
  [[]],
  { "": null },
  brackets(33),
  inObjects(40),
  brackets(300),
];
const NAMES = ["__proto__", "constructor", "", "a\0b", "\ud800", "hasOwnProperty", "id", "x".repeat(300)];

export function hostile(draw: Draw): unknown {
  return draw.pick(VALUES);
}

/** Nesting that refuses a body, whatever it stands in. */
export const TOO_DEEP_TO_PARSE = brackets(600);

export function write(value: unknown): string {
  if (value instanceof Raw) return value.text;
  if (Array.isArray(value)) return `[${value.map(write).join()}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value ?? null);
  return `{${Object.entries(value).map(member).join()}}`;
}

function member([name, value]: [string, unknown]): string {
  return `${JSON.stringify(name)}:${write(value)}`;
}

type Owner = Record<string, unknown>;

/** A copy with one to four mistakes somewhere below the top, or a mistake instead of it. */
export function spoiled(value: unknown, draw: Draw): unknown {
  if (typeof value !== "object" || value === null || draw.chance(0.05)) return hostile(draw);
  const root = { value: clone(value) };
  for (let mistakes = 1 + draw.below(4); mistakes > 0; mistakes--) spoilOne(root, draw);
  return root.value;
}

function clone(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(clone);
  if (typeof value !== "object" || value === null || value instanceof Raw) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, clone(member)]));
}

function spoilOne(root: Owner, draw: Draw): void {
  const slots = slotsOf(root);
  const [owner, name] = draw.pick(slots);
  const value = owner[name];
  const [otherOwner, otherName] = draw.pick(slots);
  const ways: (() => void)[] = [
    () => (owner[name] = hostile(draw)),
    () => (owner[name] = hostile(draw)),
    () => (owner[name] = null),
    () => (owner[name] = [value]),
    () => (owner[name] = String(value)),
    () => (owner[name] = copyOf(otherOwner[otherName])),
    () => void (owner !== root && (Array.isArray(owner) ? owner.splice(Number(name), 1) : delete owner[name])),
    () => (owner[name] = withNames(value, [[draw.pick(NAMES), hostile(draw)]])),
    () => (owner[name] = withNames(value, [[twice(value, draw), hostile(draw)]])),
  ];
  draw.pick(ways)();
}

/** All places of values, but the top of another one that is written as text. */
function slotsOf(root: Owner): [Owner, string][] {
  const slots: [Owner, string][] = [];
  const visit = (owner: Owner): void => {
    for (const [name, value] of Object.entries(owner)) {
      slots.push([owner, name]);
      if (typeof value === "object" && value !== null && !(value instanceof Raw)) visit(value as Owner);
    }
  };
  visit(root);
  return slots;
}

function copyOf(value: unknown): unknown {
  return new Raw(write(value));
}

function twice(value: unknown, draw: Draw): string {
  const names = typeof value === "object" && value !== null ? Object.keys(value) : [];
  return names.length > 0 ? draw.pick(names) : "a";
}

/** The object with more members, whose names may be there already. */
function withNames(value: unknown, more: [string, unknown][]): Raw {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Raw);
  return new Raw(`{${[...(isObject ? Object.entries(value) : []), ...more].map(member).join()}}`);
}
