/** An erasure that is under way. */
export const MODES = ["anonymise", "remove"] as const;

export interface Erasure {
  projectId: string;
  id: string;
  userId: string;
  mode: (typeof MODES)[number];
  /** What the stage has looked at last. Null before its first step. */
  cursor: string | null;
}
