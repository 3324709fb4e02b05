/**
 * Two calls can look alike to the last digit and still be two. Rows without an id are therefore named by their
 * content and by how many identical rows came before in the file: the same file read again gives the same names, and
 * so does a file that was appended to, sorted anew or exported again with an overlap.
 */

/** Grown past this load: probing stays short. */
const MAX_LOAD = 0.7;

/** Counts in 12 bytes a slot (about 17 to 35 a distinct row), outside the heap: a `Map` would take over 100. */
export function countIdentical(initialSlots = 1 << 16): (digest: string) => number {
  let keys = new Float64Array(initialSlots);
  let counts = new Uint32Array(initialSlots);
  let used = 0;

  function slotOf(key: number): number {
    const mask = keys.length - 1;
    let slot = key % keys.length;
    while (keys[slot] !== 0 && keys[slot] !== key) slot = (slot + 1) & mask;
    return slot;
  }

  function grow(): void {
    const [oldKeys, oldCounts] = [keys, counts];
    keys = new Float64Array(oldKeys.length * 2);
    counts = new Uint32Array(keys.length);
    for (let i = 0; i < oldKeys.length; i++) {
      if (oldKeys[i] === 0) continue;
      const slot = slotOf(oldKeys[i]!);
      keys[slot] = oldKeys[i]!;
      counts[slot] = oldCounts[i]!;
    }
  }

  /** How many rows with this digest came before. Only 52 bits are looked at: a false match merely skips a number. */
  return (digest) => {
    const key = Number.parseInt(digest.slice(0, 13), 16) + 1;
    const slot = slotOf(key);
    if (keys[slot] === 0) {
      keys[slot] = key;
      counts[slot] = 1;
      if (++used > keys.length * MAX_LOAD) grow();
      return 0;
    }
    return counts[slot]!++;
  };
}

/** @param digest SHA-256 of the row's content, in hex. */
export function rowId(prefix: string, digest: string, identicalBefore: number): string {
  return `${prefix}-${digest.slice(0, 32)}${identicalBefore === 0 ? "" : `-${identicalBefore}`}`;
}
