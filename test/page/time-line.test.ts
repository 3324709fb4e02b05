import { describe, expect, it } from "vitest";
import { placeOf, spanOf, ticksOf } from "../../src/page/time-line.ts";

const moment = (startMs: number, durationMs: number | null) => ({ startMs, durationMs });

describe("a line of time", () => {
  it("reaches from the first start to the last end", () => {
    expect(spanOf([moment(200, 50), moment(100, 500), moment(300, null)])).toEqual({ startMs: 100, endMs: 600 });
    expect(spanOf([moment(5, 0)])).toEqual({ startMs: 5, endMs: 6 });
    expect(spanOf([])).toEqual({ startMs: 0, endMs: 1 });
  });

  it("places by start and duration, and keeps what is short in sight and on the line", () => {
    const span = { startMs: 1_000, endMs: 2_000 };
    expect(placeOf(moment(1_250, 500), span)).toEqual({ left: 25, width: 50 });
    expect(placeOf(moment(1_000, 1), span, 2)).toEqual({ left: 0, width: 2 });
    expect(placeOf(moment(2_000, null), span, 2)).toEqual({ left: 98, width: 2 });
    expect(placeOf(moment(0, 9_000), span)).toEqual({ left: 0, width: 100 });
  });

  it("has few ticks, at round times", () => {
    expect(ticksOf({ startMs: 7, endMs: 1_819 }, 4)).toEqual([0, 500, 1_000, 1_500]);
    expect(ticksOf({ startMs: 0, endMs: 9_000 }, 4)).toEqual([0, 5_000]);
    expect(ticksOf({ startMs: 0, endMs: 30 * 86_400_000 }, 5)).toHaveLength(6);
    expect(ticksOf({ startMs: 0, endMs: 1 }, 4)).toEqual([0, 1]);
  });
});
