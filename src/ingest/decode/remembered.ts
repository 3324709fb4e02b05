/** Names repeat from item to item. What follows from a name alone is found once, and remembered. */
const MOST = 1_000;
/** Longer texts are no names. So what is remembered stays small, whatever is sent. */
const LONGEST = 256;

export function remembered<T>(find: (text: string) => T): (text: string) => T {
  const known = new Map<string, T>();
  return (text) => {
    const found = known.get(text);
    if (found !== undefined) return found;
    const result = find(text);
    if (known.size >= MOST) known.clear();
    if (text.length <= LONGEST) known.set(text, result);
    return result;
  };
}
