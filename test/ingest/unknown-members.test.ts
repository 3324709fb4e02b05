import { expect, it } from "vitest";
import { createUnknownMembers } from "../../src/ingest/unknown-members.ts";

it("counts 200 names of callers' choice, and the calls of all others together", () => {
  const unknown = createUnknownMembers();
  for (let i = 0; i < 300; i++) unknown.note("openai", [`member-${i}`]);
  unknown.note("openai", ["member-0"]);
  for (const provider of ["other", "p", "q"]) unknown.note(provider, ["other"]);
  const counts = unknown.counts();
  expect(counts).toHaveLength(201);
  expect(counts[0]).toEqual({ provider: "openai", member: "member-0", count: 2 });
  // 100 members past the first 200, and three more of one name
  expect(counts.at(-1)).toEqual({ provider: "other", member: "other", count: 103 });
});
