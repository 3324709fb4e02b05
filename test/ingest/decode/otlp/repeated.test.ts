import { expect, it } from "vitest";
import { decodeOtlpProtobuf } from "../../../../src/ingest/decode/otlp/traces.ts";
import { chat, jsonRequest, NOW, toProtobuf } from "./request.ts";

it("reads an attribute that is like one of a span before, to its length and its end", () => {
  // All values have one length and one end, and each pair of neighbours says something else of the same key.
  const users = ["ada@example.com", "bob@example.com", "bob@example.com", "ada@example.com"];
  const spans = users.map((user, i) =>
    chat({ "user.id": user, "metadata.reviewer": users[(i + 1) % 4] }, { spanId: `b7ad6b716920333${i}` }),
  );
  const { calls, errors } = decodeOtlpProtobuf(toProtobuf(jsonRequest({ spans })), NOW);
  expect(errors).toEqual([]);
  expect(calls.map(({ userId, tags }) => [userId, tags["reviewer"]])).toEqual(
    users.map((user, i) => [user, users[(i + 1) % 4]]),
  );
});

it("reads an attribute again that was skipped or refused in a span before", () => {
  const spans = [
    { "unknown.key": "ada" },
    { "unknown.key": "ada", "user.id": "ada" },
    { "gen_ai.usage.input_tokens": -1 },
  ];
  const twice = [...spans, ...spans].map((attributes, i) => chat(attributes, { spanId: `b7ad6b716920333${i}` }));
  const { calls, errors } = decodeOtlpProtobuf(toProtobuf(jsonRequest({ spans: twice })), NOW);
  expect(calls.map(({ userId }) => userId)).toEqual([null, "ada", null, "ada"]);
  expect(errors.map(({ index }) => index)).toEqual([2, 5]);
});
