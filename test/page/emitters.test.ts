/** The table of emitters: whole, and with the address and the key filled in. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { EMITTERS, NO_KEY } from "../../src/page/first-run/emitters.ts";

const TO = { url: "https://ledger.example", key: "lct_key" };
const snippetOf = (name: string): string => EMITTERS.find((emitter) => emitter.name === name)!.snippet(TO);

describe("the table of emitters", () => {
  it("has names and titles that differ, and those that most callers use", () => {
    const names = EMITTERS.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(["curl", "opentelemetry", "ai-sdk", "langchain", "litellm"]));
    expect(new Set(names).size).toBe(names.length);
    expect(new Set(EMITTERS.map(({ title }) => title)).size).toBe(EMITTERS.length);
  });

  it.each(EMITTERS.map((emitter) => [emitter.name, emitter] as const))(
    "%s: the address and the key are filled in, once each, and nothing else is left open",
    (_, { snippet, note, place }) => {
      const text = snippet(TO);
      expect(text.split(TO.url)).toHaveLength(2);
      expect(text.split(TO.key)).toHaveLength(2);
      expect(text).not.toContain(NO_KEY);
      expect(text).not.toMatch(/undefined|127\.0\.0\.1|localhost/);
      expect(snippet({ ...TO, key: NO_KEY })).toBe(text.replace(TO.key, NO_KEY));
      expect(note).toMatch(/\.$/);
      expect(place).not.toBe("");
    },
  );

  it("agrees with the README on the variables of OpenTelemetry and Langfuse", () => {
    const readme = readFileSync(resolve(import.meta.dirname, "../../README.md"), "utf8");
    const filled = readme.replaceAll("$LLM_COST_URL", TO.url).replaceAll("$LLM_COST_KEY", TO.key);
    expect(filled).toContain(snippetOf("opentelemetry"));
    for (const name of ["LANGFUSE_BASE_URL", "LANGFUSE_SECRET_KEY"]) {
      const line = snippetOf("langfuse")
        .split("\n")
        .find((one) => one.includes(name))!;
      expect(filled).toContain(line.replace("export ", ""));
    }
  });

  it("sets LiteLLM up by a valid file", () => {
    expect(parse(snippetOf("litellm"))).toEqual({
      litellm_settings: { callbacks: ["llm_costs"] },
      callback_settings: {
        llm_costs: {
          callback_type: "generic_api",
          endpoint: `${TO.url}/v1/litellm`,
          headers: { Authorization: `Bearer ${TO.key}` },
        },
      },
    });
  });
});
