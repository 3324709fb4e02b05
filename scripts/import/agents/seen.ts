/** Which calls were met before, and with how many tokens: 12 bytes a slot, outside the heap. */
import { hash } from "node:crypto";

/** Grown past this load: probing stays short. */
const MAX_LOAD = 0.7;

/** Tells whether a call with this key was met with as many tokens, and keeps it. */
export type Seen = (key: string, tokens: number) => boolean;

export function rememberCalls(initialSlots = 1 << 14): Seen {
  let keys = new Float64Array(initialSlots);
  let most = new Uint32Array(initialSlots);
  let used = 0;

  const slotOf = (key: number): number => {
    let slot = key % keys.length;
    while (keys[slot] !== 0 && keys[slot] !== key) slot = (slot + 1) % keys.length;
    return slot;
  };
  const grow = (): void => {
    const [oldKeys, oldMost] = [keys, most];
    keys = new Float64Array(oldKeys.length * 2);
    most = new Uint32Array(keys.length);
    oldKeys.forEach((key, i) => {
      if (key === 0) return;
      const slot = slotOf(key);
      keys[slot] = key;
      most[slot] = oldMost[i]!;
    });
  };

  return (text, tokens) => {
    const key = Number.parseInt(hash("sha256", text, "hex").slice(0, 13), 16) + 1;
    const slot = slotOf(key);
    // No call has none: 0 stands for a free slot.
    const weight = Math.min(tokens + 1, 2 ** 32 - 1);
    const isKnown = keys[slot] === key && most[slot]! >= weight;
    if (keys[slot] === 0) used++;
    keys[slot] = key;
    most[slot] = Math.max(most[slot]!, weight);
    if (used > keys.length * MAX_LOAD) grow();
    return isKnown;
  };
}
