/** A list that follows what comes: its newest calls, newest first, and never more than it may hold. */
export interface Identified {
  id: string;
}

/** More would not be read, and would not be held for hours. */
export const MOST_LIVE = 500;

/**
 * The list after another look at the newest calls. As far back as that look goes it is the truth: what it has is
 * taken, in its order, and what it lacks is gone.
 *
 * @param isWhole no older call exists.
 */
export function followed<Call extends Identified>(
  list: readonly Call[],
  newest: readonly Call[],
  isWhole: boolean,
  most = MOST_LIVE,
): Call[] {
  const last = newest.at(-1);
  // An id begins with the start of its call, so the order of ids is the order of the list.
  const older = isWhole || last === undefined ? [] : list.filter(({ id }) => id < last.id);
  return [...newest, ...older].slice(0, most);
}

/** The calls of the one list that the other does not have. */
export function addedTo<Call extends Identified>(shown: readonly Call[], latest: readonly Call[]): Call[] {
  const known = new Set(shown.map(({ id }) => id));
  return latest.filter(({ id }) => !known.has(id));
}

/** Does a look reach back to what is known? Otherwise calls in between were missed, and it must go on. */
export function reaches(newest: readonly Identified[], known: ReadonlySet<string>): boolean {
  return known.size === 0 || newest.some(({ id }) => known.has(id));
}
