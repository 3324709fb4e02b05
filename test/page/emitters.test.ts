/** The table of emitters: whole, and with the address and the key filled in. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { SOURCES } from "../../scripts/import/agents/sources.ts";
import { AGENTS, type Emitter, type Target } from "../../src/page/first-run/agents.ts";
import { EMITTERS, KINDS, NO_KEY } from "../../src/page/first-run/emitters.ts";

const TO = { url: "https://ledger.example", key: "lct_key" };
const textOf = ({ steps }: Emitter, to: Target): string => steps.map(({ text }) => text(to)).join("\n");
const snippetOf = (name: string): string =>
  textOf(
    EMITTERS.find((emitter) => emitter.name === name)!,
    TO,
  );
const read = (file: string): string => readFileSync(resolve(import.meta.dirname, "../..", file), "utf8");

describe("the table of emitters", () => {
  it("has names and titles that differ, and those that most callers use", () => {
    const names = EMITTERS.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(["curl", "opentelemetry", "ai-sdk", "langchain", "litellm"]));
    expect(new Set(names).size).toBe(names.length);
    expect(new Set(EMITTERS.map(({ title }) => title)).size).toBe(EMITTERS.length);
  });

  it.each(EMITTERS.map((emitter) => [emitter.name, emitter] as const))(
    "%s: the address and the key are filled in, as often as each other, and nothing else is left open",
    (_, emitter) => {
      const text = textOf(emitter, TO);
      expect(text).toContain(TO.url);
      expect(text.split(TO.key)).toHaveLength(text.split(TO.url).length);
      expect(text).not.toContain(NO_KEY);
      expect(text).not.toMatch(/undefined|127\.0\.0\.1|localhost/);
      expect(textOf(emitter, { ...TO, key: NO_KEY })).toBe(text.replaceAll(TO.key, NO_KEY));
      expect(emitter.note).toMatch(/\.$/);
      const places = emitter.steps.map(({ place }) => place);
      expect(new Set(places).size).toBe(places.length);
      expect(places).not.toContain("");
    },
  );

  it("agrees with the README on the variables of OpenTelemetry and Langfuse", () => {
    const filled = read("README.md").replaceAll("$LLM_COST_URL", TO.url).replaceAll("$LLM_COST_KEY", TO.key);
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

  it("offers each emitter under one kind", () => {
    expect(KINDS.flatMap(([, emitters]) => emitters)).toEqual(EMITTERS);
  });
});

describe("coding agents", () => {
  it("are those that the ledger reads", () => {
    expect(AGENTS.map(({ title }) => title)).toEqual([
      "Claude Code",
      "Codex",
      "Gemini CLI",
      "Qwen Code",
      "Copilot CLI",
      "Copilot in VS Code",
      "opencode",
      "Cline",
      "Session files",
    ]);
  });

  it("have the settings that the README shows, and no others", () => {
    const section = /## Coding agents\n([\s\S]*?)\n## /.exec(read("src/http/README.md"))![1]!;
    // Only prose is wrapped there.
    const inLines = (text: string): string => text.replaceAll(/(?<=^[^\n`]+)\n(?=[^\n`#])/gm, " ").trim();
    const [first, last] = [AGENTS[0]!, AGENTS.at(-1)!].map(({ title }) => section.indexOf(`### ${title}\n`));
    const next = section.indexOf("\n### ", last);
    const settings = section.slice(first, next === -1 ? undefined : next);
    expect(inLines(settings)).toBe(inLines(agentsInMarkdown()));
  });

  it("have settings in JSON that can be parsed", () => {
    for (const { name, steps } of AGENTS)
      for (const { language, text } of steps)
        if (language === "json") expect(() => JSON.parse(text(TO)) as unknown, name).not.toThrow();
  });

  it("can be imported from all sources", () => {
    const text = snippetOf("import");
    for (const source of Object.keys(SOURCES)) expect(text).toMatch(new RegExp(`(?:--from|or|,) ${source}\\b`));
  });
});

/** As the README has them, with names in place of the address and the key. */
function agentsInMarkdown(): string {
  const to = { url: "URL", key: "KEY" };
  return AGENTS.map(({ title, steps, note }) => {
    const blocks = steps.map(({ place, language, text }) => {
      const where = place === "shell" ? "In the shell:" : `In \`${place}\`:`;
      return `${where}\n\n\`\`\`${language}\n${text(to)}\n\`\`\`\n\n`;
    });
    return `### ${title}\n\n${blocks.join("")}${note}`;
  }).join("\n\n");
}
