/** Reports of a call and costs that are not exact, in words. What the ledger says newly must get words, too. */
import { describe, expect, it } from "vitest";
import { LOG_EVENTS } from "../../src/ingest/decode/log/emitters.ts";
import { COSTS_ARE } from "../../src/ledger/call.ts";
import { decidedBy, fieldWords, readBy } from "../../src/page/call/words.ts";
import { exactnessOf } from "../../src/page/exactness.ts";
import { Report } from "../../src/traces/reports.ts";

describe("reports", () => {
  it.each(Report.shape.decided_by.unwrap().options)("say why another one counts: %s", (reason) => {
    expect(decidedBy(reason)).toMatch(/^[A-Z].*\.$/);
  });

  it.each(LOG_EVENTS)("say who told: %s", (event) => {
    expect(readBy(event)).toMatch(
      /^(?:(?:Claude Code|Codex|Gemini CLI|Qwen Code|Cline) reported it by its|It was reported by the) event /,
    );
    // What other spans did to it is said beside it.
    expect(readBy(`${event}; seen twice`)).toBe(readBy(event));
  });

  it("name what was filled", () => {
    expect(["request_model", "user_id", "session_id", "tags.a.b"].map(fieldWords)).toEqual([
      "the model that was asked for",
      "the user",
      "the session",
      "the tag a.b",
    ]);
  });
});

describe("a cost", () => {
  it("has words and a sign of its own unless it is exact", () => {
    const found = COSTS_ARE.map((costIs) => exactnessOf({ cost_is: costIs }));
    expect(found[0]).toBeNull();
    expect(exactnessOf({ cost_is: null })).toBeNull();
    expect(new Set(found.slice(1).map((one) => one!.sign)).size).toBe(COSTS_ARE.length - 1);
    for (const one of found.slice(1)) expect(one!.sentence).toMatch(/The true cost /);
  });
});
