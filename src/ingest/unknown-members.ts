/** Counts the members of usage objects that no rule reads, since the isolate's start. */

export interface UnknownMembers {
  note(provider: string, members: readonly string[]): void;
  counts(): readonly { provider: string; member: string; count: number }[];
}

/** Callers choose the names, so there may be any number of them. Those past this many are counted as `other`. */
const MAX_COUNTED = 200;
const OTHER = "other";

export function createUnknownMembers(): UnknownMembers {
  const counted = new Map<string, { provider: string; member: string; count: number }>();

  function add(provider: string, member: string): void {
    const key = `${provider}\n${member}`;
    const known = counted.get(key);
    if (known) known.count++;
    else if (counted.size < MAX_COUNTED || key === `${OTHER}\n${OTHER}`)
      counted.set(key, { provider, member, count: 1 });
    else add(OTHER, OTHER);
  }

  return {
    note(provider, members) {
      for (const member of members) add(provider, member);
    },
    counts: () => [...counted.values()],
  };
}
