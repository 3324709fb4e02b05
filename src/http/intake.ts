/**
 * What the isolate has in work. It may have 128 MB, and may be sent any number of bodies at once. A body counts with
 * its bytes while it is read, then with its calls until they are stored. Beyond the bound a body is refused at once:
 * its client sends it again, to this isolate or to another.
 */
import { ApiError } from "../errors.ts";

/** What one request has in work. */
export interface Work {
  /** @throws ApiError `overloaded` if the isolate has no room for so many more bytes. */
  take(bytes: number): void;
  /** The bytes have become calls. @throws ApiError `overloaded` if the isolate has no room for them. */
  become(calls: number): void;
  end(): void;
}

export interface Intake {
  begin(): Work;
  /** How long a body may take to arrive. */
  readonly arrivalMs: number;
}

/** Beside it there is room for the catalogue and for one body that is being parsed. */
const MAX_BYTES = 32 * 1_024 * 1_024;
/** A call as an object, measured. */
const CALL_BYTES = 1_024;
/** 8 MB at 1.1 Mbit/s. */
const ARRIVAL_MS = 60_000;

export function createIntake(maxBytes = MAX_BYTES, arrivalMs = ARRIVAL_MS): Intake {
  let held = 0;

  return {
    arrivalMs,
    begin() {
      let own = 0;
      const hold = (bytes: number): void => {
        held += bytes - own;
        own = bytes;
        if (held > maxBytes && bytes > 0)
          throw new ApiError("overloaded", "too many bodies are in work; try again, nothing is counted twice");
      };
      return {
        take: (bytes) => hold(own + bytes),
        become: (calls) => hold(calls * CALL_BYTES),
        end: () => hold(0),
      };
    },
  };
}
