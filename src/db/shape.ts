/**
 * An object with these members, each null. A copy of it that is then filled has one shape with all other copies. An
 * object that is given tens of members one by one becomes a hash table, which costs several times as much to fill, to
 * read and to write as JSON.
 */
export function shapeOf(names: readonly string[]): Record<string, null> {
  return JSON.parse(`{${names.map((name) => `${JSON.stringify(name)}:null`).join()}}`) as Record<string, null>;
}
