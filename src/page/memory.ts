/** Answers that are kept for a while: as many and as large as the bounds allow. Those used last stay. */
export interface Memory {
  get(name: string): unknown;
  set(name: string, value: unknown): void;
  clear(): void;
}

export function createMemory(most: number, mostSize: number): Memory {
  const kept = new Map<string, { value: unknown; size: number }>();
  let size = 0;
  const forget = (name: string): void => {
    size -= kept.get(name)?.size ?? 0;
    kept.delete(name);
  };
  return {
    get: (name) => kept.get(name)?.value,
    set(name, value) {
      forget(name);
      const entry = { value, size: sizeOf(value) };
      kept.set(name, entry);
      size += entry.size;
      // The newest stays, also if it alone is too large: it is on the screen.
      for (const oldest of kept.keys()) {
        if (kept.size <= 1 || (kept.size <= most && size <= mostSize)) break;
        forget(oldest);
      }
    },
    clear() {
      kept.clear();
      size = 0;
    },
  };
}

/** About how many bytes. The entries of a list are alike, so the first one stands for all: a long list costs no time. */
export function sizeOf(value: unknown): number {
  if (typeof value === "string") return 16 + value.length;
  if (Array.isArray(value)) return 16 + value.length * (value.length === 0 ? 0 : sizeOf(value[0]));
  if (typeof value !== "object" || value === null) return 8;
  return Object.values(value).reduce((sum: number, member) => sum + 8 + sizeOf(member), 16);
}

/** The same value, or objects whose members are the same values. */
export function isSame(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  const [names, others] = [Object.keys(a), Object.keys(b)];
  const of = (object: object, name: string): unknown => (object as Readonly<Record<string, unknown>>)[name];
  return names.length === others.length && names.every((name) => name in b && Object.is(of(a, name), of(b, name)));
}
