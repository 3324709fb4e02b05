/** "Copy as API call", by a real bash in which `curl` only prints what it is given. */
import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { curlOf, quoted } from "../../src/page/curl.ts";
import { queryString } from "../../src/page/query-string.ts";

const HOSTILE = [
  "it's",
  "''",
  "'; echo broken; '",
  "$(echo broken)",
  "`echo broken`",
  '"$LLM_COST_API_KEY"',
  "a\nb\\",
  "\\'",
  "!! *[a-z]? {a,b} ~ #x &",
  "\u{1f468}\u200d\u{1f469} \u202egnp.exe",
  "-o /dev/null",
  "%27%00",
];

/** The arguments of `curl`, by a shell that runs one line. */
function argumentsOf(line: string): string[] {
  const script = `curl() { printf '%s\\0' "$@"; }\n${line}\n`;
  const printed = execFileSync("bash", ["--noprofile", "--norc", "-c", script], {
    env: { PATH: process.env["PATH"], LLM_COST_API_KEY: "a key with $spaces" },
    encoding: "utf8",
  });
  return printed.split("\0").slice(0, -1);
}

describe("a call of the API as a line for a shell", () => {
  it.each(HOSTILE)("asks what the page asks, by %j", (value) => {
    const url = `https://costs.example/v1/summary?${queryString({
      from: "2026-11-01T00:00:00.000Z",
      group_by: ["model", "user"],
      user: [value],
      tags: { [`tag.${value}`]: [value] },
    })}`;
    const line = curlOf(url);
    expect(line.split("\n")).toHaveLength(1);
    const given = argumentsOf(line);
    expect(given).toEqual(["-sS", "--fail-with-body", "-H", "Authorization: Bearer a key with $spaces", url]);
    const asked = new URL(given.at(-1)!).searchParams;
    expect(asked.getAll("user")).toEqual([value]);
    expect(asked.getAll(`tag.${value}`)).toEqual([value]);
    // curl itself reads brackets and braces as patterns.
    expect(url).not.toMatch(/[[\]{}]/);
  });

  it("has no key", () => {
    expect(curlOf("https://costs.example/v1/summary")).toBe(
      `curl -sS --fail-with-body -H "Authorization: Bearer $LLM_COST_API_KEY" 'https://costs.example/v1/summary'`,
    );
  });
});

it.each(HOSTILE)("quotes any text as one word: %j", (text) => {
  expect(argumentsOf(`curl ${quoted(text)} end`)).toEqual([text, "end"]);
});
