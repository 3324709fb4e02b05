/**
 * Calls that a file tells several times: while an answer streams, or again with its tools. The latest ones are held back
 * until others have followed, so that mostly one state of a call is sent. The memory does not grow with the file.
 */
import type { FoundCall } from "./found-call.ts";

const MOST_HELD = 256;

export interface OpenCalls {
  put(found: FoundCall): void;
  /** @param isHeld calls that stay, because more of them may come. */
  release(isHeld?: (found: FoundCall) => boolean): void;
}

/** @param choose of two states of a call the one that counts. */
export function holdCalls(
  emit: (found: FoundCall) => void,
  choose: (earlier: FoundCall, later: FoundCall) => FoundCall,
): OpenCalls {
  const held = new Map<string, FoundCall>();
  return {
    put(found) {
      const earlier = held.get(found.key);
      held.set(found.key, earlier === undefined ? found : choose(earlier, found));
      if (held.size <= MOST_HELD) return;
      const [oldest] = held;
      held.delete(oldest![0]);
      emit(oldest![1]);
    },
    release(isHeld = () => false) {
      for (const [key, found] of held) {
        if (isHeld(found)) continue;
        held.delete(key);
        emit(found);
      }
    },
  };
}

/** The larger total counts; the call began when it was told first. */
export function larger(earlier: FoundCall, later: FoundCall): FoundCall {
  const chosen = later.tokens >= earlier.tokens ? later : earlier;
  return { ...chosen, startedAtMs: Math.min(earlier.startedAtMs, later.startedAtMs) };
}
