/** A newcomer who follows the README: its requests, as they stand there, from the admin key to the first call. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { createApp } from "../../src/app.ts";
import { parseConfig } from "../../src/config.ts";
import { createDeps } from "../../src/deps.ts";

const readme = readFileSync("README.md", "utf8");
const section = (title: string): string => readme.split(`\n${title}\n`)[1]!.split(/\n##+ /)[0]!;

interface Curl {
  path: string;
  headers: Record<string, string>;
  body: string | null;
}

/** The curl commands of a text, with the variables of the shell filled in. */
function curlsOf(text: string, shell: Record<string, string>): Curl[] {
  const filled = text
    .replace(/'\$\(date [^)]*\)'/g, new Date().toISOString())
    .replace(/\$(?:\{(\w+)\}|(\w+))/g, (_, braced?: string, plain?: string) => shell[(braced ?? plain)!] ?? "");
  return [...filled.matchAll(/^ *curl -s "?([^\s"]+)"?((?:[^\n]|\\\n|\n(?! *(?:curl|```|#)))*)/gm)].map(
    ([, path, rest]) => ({
      path: path!,
      headers: Object.fromEntries(
        [...rest!.matchAll(/-H (["'])([^:]+): (.*?)\1/g)].map(([, , name, value]) => [name!, value!]),
      ),
      body: /-d '([^']*)'/.exec(rest!)?.[1] ?? null,
    }),
  );
}

const adminKey = inject("bindings")["ADMIN_KEY"]!;
let app: ReturnType<typeof createApp>;
beforeAll(() => {
  app = createApp(createDeps(parseConfig(inject("bindings"))));
});

const beside: Promise<unknown>[] = [];
afterAll(() => Promise.allSettled(beside));
const context = {
  waitUntil: (work: Promise<unknown>) => void beside.push(work),
  passThroughOnException() {},
  props: {},
} as unknown as ExecutionContext;

async function send({ path, headers, body }: Curl): Promise<{ status: number; answer: Record<string, unknown> }> {
  const request = { headers, ...(body === null ? {} : { method: "POST", body }) };
  const response = await app.request(path, request, {}, context);
  return { status: response.status, answer: await response.json() };
}

it("leads from a deployment to a project, a key, the first call and the first look", async () => {
  expect(section("## Deploy")).toContain('`curl -s $URL/readyz` must say `"status":"ok"`');
  expect(await send({ path: "/readyz", headers: {}, body: null })).toMatchObject({ answer: { status: "ok" } });

  const [projects, keys, ...more] = curlsOf(section("## Deploy"), { ADMIN_KEY: adminKey });
  expect(more).toEqual([]);
  const project = await send(projects!);
  expect(project).toMatchObject({ status: 201, answer: { name: "acme" } });
  const key = await send({ ...keys!, body: keys!.body!.replace("…", String(project.answer["id"])) });
  expect(key).toMatchObject({ status: 201, answer: { scopes: ["ingest", "read"] } });

  const shell = { LLM_COST_KEY: String(key.answer["key"]) };
  const [call, ...others] = curlsOf(section("### First call, with curl"), shell);
  expect(others).toEqual([]);
  const shown = /^# (\{.*\})$/m.exec(section("### First call, with curl"))![1]!;
  expect(await send(call!)).toMatchObject({ status: 200, answer: JSON.parse(shown) });
  expect(await send(call!)).toMatchObject({ status: 200, answer: { inserted: 0, duplicates: 1 } });

  const [look] = curlsOf(section("### First look"), shell);
  expect(await send(look!)).toMatchObject({ status: 200, answer: { totals: { requests: 1 } } });
});
