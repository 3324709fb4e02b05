/** A project without calls, in Chromium: it shows how to send one, and becomes the overview when that arrives. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { AGENTS } from "../../src/page/first-run/agents.ts";
import { EMITTERS } from "../../src/page/first-run/emitters.ts";
import { HAS_CHROMIUM, overflowOf, seriousFindings, type Visit } from "./browser.ts";
import { usePageStack } from "./page-stack.ts";

const run = promisify(execFile);
const ROOT = resolve(import.meta.dirname, "../..");
const CAPTURES = join(ROOT, "test/fixtures/captures");

describe.skipIf(!HAS_CHROMIUM)("a project without calls", () => {
  const stack = usePageStack();

  const admin = async (method: string, path: string, body?: object): Promise<Record<string, never>> => {
    const headers = { authorization: `Bearer ${stack.dev.adminKey}`, "content-type": "application/json" };
    const init = body === undefined ? {} : { body: JSON.stringify(body) };
    return (await (await fetch(stack.dev.url + path, { method, headers, ...init })).json()) as never;
  };
  const newProject = async (): Promise<string> =>
    (await admin("POST", "/v1/projects", { name: "empty" }))["id"] as unknown as string;
  const newKey = async (projectId: string): Promise<string> =>
    (await admin("POST", "/v1/keys", { project_id: projectId, name: "test", scopes: ["ingest", "read"] }))[
      "key"
    ] as unknown as string;
  const totals = async (key: string): Promise<{ requests: number; cost_usd: string }> => {
    const from = new Date().toISOString().slice(0, 7);
    const headers = { authorization: `Bearer ${key}` };
    const response = await fetch(`${stack.dev.url}/v1/summary?from=${from}-01`, { headers });
    return ((await response.json()) as { totals: { requests: number; cost_usd: string } }).totals;
  };
  /** Signed in with the admin key, in a project. */
  const openIn = async (projectId: string, options = {}): Promise<Visit> => {
    const visit = await stack.open({ timezoneId: "UTC", ...options });
    await visit.page.addInitScript(`localStorage.setItem("project", "${projectId}")`);
    await visit.page.goto(`/#key=${stack.dev.adminKey}`);
    await visit.page.getByRole("heading", { name: "Send the first call" }).waitFor();
    return visit;
  };

  it("waits for the call of the snippet, which a shell sends as it is printed, and becomes the overview", async () => {
    const projectId = await newProject();
    const { page, wrong } = await openIn(projectId);
    await page.getByText("Waiting for the first call.").waitFor();
    expect(await snippet(page)).toContain("YOUR_KEY");
    await page.getByRole("button", { name: "Make a key for this" }).click();
    await page.getByText("The new key is filled in.").waitFor();
    const text = await snippet(page);
    expect(text).toMatch(/Bearer lct_\w+'/);
    expect(await page.evaluate("location.href + JSON.stringify({ ...localStorage })")).not.toContain("lct_");

    const { stdout } = await run("bash", ["-c", text]);
    expect(JSON.parse(stdout)).toEqual({ accepted: 1, inserted: 1, duplicates: 0, rejected: 0, errors: [] });
    await page.getByRole("heading", { name: "Overview" }).waitFor();
    // 1,000 x $0.15 + 200 x $0.60 per MTok = $0.00027
    await page.locator('#total-cost[data-usd="0.00027"]').waitFor();
    expect(await totals(await newKey(projectId))).toMatchObject({ requests: 1, cost_usd: "0.00027" });
    expect(wrong()).toEqual([]);
  });

  it("has the key of the sign-in filled in until a reload, and then tells where it belongs", async () => {
    const { page, wrong } = await stack.openSignedIn();
    await page.getByText("The key that you signed in with is filled in.").waitFor();
    expect(await snippet(page)).toContain(`Bearer ${stack.pageKey}'`);
    expect(await page.evaluate("location.href + JSON.stringify({ ...localStorage })")).not.toContain("lct_");
    await page.reload();
    await page.getByText("Put an API key with the scope").waitFor();
    expect(await page.getByRole("button", { name: "Make a key for this" }).count()).toBe(0);
    const to = { url: new URL(stack.dev.url).origin, key: "YOUR_KEY" };
    for (const { title, steps } of EMITTERS) {
      await page.getByRole("button", { name: title, exact: true }).click();
      expect(await snippet(page)).toBe(steps.map(({ text }) => text(to)).join("\n"));
      for (const { place } of steps)
        await page.getByRole("region", { name: `Snippet for ${title}, ${place}`, exact: true }).waitFor();
    }
    expect(wrong()).toEqual([]);
  });

  it("has snippets whose address and key the ledger takes", async () => {
    const projectId = await newProject();
    const to = { url: stack.dev.url, key: await newKey(projectId) };
    const text = (name: string): string =>
      EMITTERS.find((emitter) => emitter.name === name)!
        .steps.map((step) => step.text(to))
        .join("\n");
    const capture = async (path: string): Promise<Buffer> => await readFile(join(CAPTURES, path, "01.body"));
    /** What the variables of a snippet are for a program that is started after it. */
    const variables = async (name: string): Promise<Record<string, string>> => {
      const { stdout } = await run("bash", ["-c", `${text(name)}\nexec node -p 'JSON.stringify(process.env)'`]);
      return JSON.parse(stdout) as Record<string, string>;
    };
    const post = async (url: string, authorization: string, body: Buffer | string): Promise<number> => {
      const headers = { authorization, "content-type": "application/json" };
      return (await fetch(url, { method: "POST", headers, body: new Uint8Array(Buffer.from(body)) })).status;
    };

    await run("bash", ["-c", `${text("opentelemetry")}\nexec node test/page/send-span.ts`], { cwd: ROOT });
    expect(await totals(to.key)).toMatchObject({ requests: 1, cost_usd: "0.00027" });

    const { endpoint, headers } = (
      parse(text("litellm")) as {
        callback_settings: { llm_costs: { endpoint: string; headers: { Authorization: string } } };
      }
    ).callback_settings.llm_costs;
    expect(await post(endpoint, headers.Authorization, await capture("litellm-generic-handmade/array"))).toBe(200);

    const langfuse = await variables("langfuse");
    const pair = `${langfuse["LANGFUSE_PUBLIC_KEY"]}:${langfuse["LANGFUSE_SECRET_KEY"]}`;
    const basic = `Basic ${Buffer.from(pair).toString("base64")}`;
    const none = '{"resourceSpans":[]}';
    expect(await post(`${langfuse["LANGFUSE_BASE_URL"]}/api/public/otel/v1/traces`, basic, none)).toBe(200);

    const aiSdk = /url: "(.+)",\n\s+headers: \{ authorization: "(.+)" \}/.exec(text("ai-sdk"))!;
    expect(await post(aiSdk[1]!, aiSdk[2]!, none)).toBe(200);
    expect(await post(aiSdk[1]!, "Bearer YOUR_KEY", none)).toBe(401);
  });

  it("has settings of agents whose addresses and keys the ledger takes, for what they were recorded to send", async () => {
    const projectId = await newProject();
    const to = { url: stack.dev.url, key: await newKey(projectId) };
    const text = (name: string, language: string): string =>
      EMITTERS.find((emitter) => emitter.name === name)!
        .steps.filter((step) => step.language === language)
        .map((step) => step.text(to))
        .join("\n");
    interface Sender {
      /** In front of `/v1/logs`. */
      base: string | undefined;
      authorization: string | undefined;
      capture: string;
    }
    const byVariables = async (name: string, capture: string, prefix = ""): Promise<Sender> => {
      const { stdout } = await run("bash", ["-c", `${text(name, "sh")}\nexec node -p 'JSON.stringify(process.env)'`]);
      const env = JSON.parse(stdout) as Record<string, string | undefined>;
      const headers = env[`${prefix}OTEL_EXPORTER_OTLP_HEADERS`];
      return {
        base: env[`${prefix}OTEL_EXPORTER_OTLP_ENDPOINT`],
        authorization: /^authorization=(.+)$/.exec(headers ?? "")?.[1],
        capture,
      };
    };
    const byFile = async (name: string, capture: string): Promise<Sender> => {
      const { telemetry } = JSON.parse(text(name, "json")) as { telemetry: { otlpEndpoint: string } };
      return { ...(await byVariables(name, capture)), base: telemetry.otlpEndpoint };
    };
    const codex = text("codex", "toml");
    const copilot = JSON.parse(text("copilot-vscode", "json")) as Record<string, unknown>;
    const senders: Record<string, Sender> = {
      "claude-code": await byVariables("claude-code", "claude-code-2.1.332/plain"),
      codex: {
        base: /endpoint = "(.+)\/v1\/logs"/.exec(codex)?.[1],
        authorization: /authorization = "(.+)"/.exec(codex)?.[1],
        capture: "codex-0.171.0/plain",
      },
      "gemini-cli": await byFile("gemini-cli", "gemini-cli-0.61.0/one-prompt"),
      "qwen-code": await byFile("qwen-code", "qwen-code-0.24.4/one-prompt"),
      "copilot-cli": await byVariables("copilot-cli", "copilot-cli-1.0.102/one-prompt-chat"),
      "copilot-vscode": {
        base: copilot["github.copilot.chat.otel.otlpEndpoint"] as string,
        authorization: (copilot["github.copilot.chat.otel.headers"] as { authorization: string }).authorization,
        capture: "copilot-cli-1.0.102/one-prompt-chat",
      },
      opencode: await byVariables("opencode", "opencode-1.18.33/anthropic-plain"),
      // Nothing of it is recorded, but it sends logs.
      cline: await byVariables("cline", "claude-code-logs-handmade/logs-json", "CLINE_"),
    };
    expect([...Object.keys(senders), "import"].sort()).toEqual(AGENTS.map(({ name }) => name).sort());
    for (const [name, { base, authorization, capture }] of Object.entries(senders)) {
      for (const file of await readdir(join(CAPTURES, capture))) {
        if (!file.endsWith(".body")) continue;
        const sent = JSON.parse(await readFile(join(CAPTURES, capture, file.replace(".body", ".json")), "utf8")) as {
          path: string;
          "content-type": string;
        };
        const ask = async (key: string): Promise<number> => {
          const headers = { authorization: key, "content-type": sent["content-type"] };
          const body = new Uint8Array(await readFile(join(CAPTURES, capture, file)));
          return (await fetch(base + sent.path, { method: "POST", headers, body })).status;
        };
        expect([name, sent.path, await ask(authorization!), await ask("Bearer YOUR_KEY")]).toEqual([
          name,
          sent.path,
          200,
          401,
        ]);
      }
    }
  });

  it("has a command that imports what an agent left on disk", async () => {
    const projectId = await newProject();
    const to = { url: stack.dev.url, key: await newKey(projectId) };
    const home = await mkdtemp(join(tmpdir(), "first-run-"));
    try {
      const folder = join(home, ".claude/projects/ada");
      await mkdir(folder, { recursive: true });
      const recorded = join(CAPTURES, "claude-code-2.1.332/plain/local/claude/projects/-home-ada-demo");
      for (const name of await readdir(recorded)) {
        const lines = await readFile(join(recorded, name), "utf8");
        const now = `"timestamp":"${new Date().toISOString()}"`;
        await writeFile(join(folder, name), lines.replaceAll(/"timestamp": ?"[^"]+"/g, now));
      }
      const command = AGENTS.find(({ name }) => name === "import")!
        .steps.map(({ text }) => text(to))
        .join("\n")
        .replace(/^.*cursor-csv.*$/m, "");
      const env = { ...process.env, HOME: home, DATA_DIR: join(home, "data"), CLAUDE_CONFIG_DIR: undefined };
      await run("bash", ["-c", command], { cwd: ROOT, env });
      await run("bash", ["-c", command], { cwd: ROOT, env });
      expect(await totals(to.key)).toMatchObject({ requests: 1 });
    } finally {
      await rm(home, { recursive: true, force: true });
    }
  });

  it("loads the demo once, however often it is asked, and then shows it", async () => {
    const projectId = await newProject();
    const { page, wrong } = await openIn(projectId);
    const asked = (await page.evaluate(`Promise.all([1, 2].map(async () => {
      const response = await fetch("/dev/demo", { method: "POST", headers: { "X-Project-Id": "${projectId}" } });
      return [response.status, (await response.json()).status];
    }))`)) as unknown[];
    expect(asked).toEqual([
      [202, "running"],
      [202, "running"],
    ]);
    await page.getByRole("button", { name: "Load the demo" }).click();
    await page.getByRole("heading", { name: "Overview" }).waitFor({ timeout: 60_000 });
    await page.locator('#total-cost:not([data-usd="0"])').waitFor();
    const { keys } = (await admin("GET", "/v1/keys")) as unknown as { keys: { name: string; project_id: string }[] };
    expect(keys.filter((key) => key.name === "demo" && key.project_id === projectId)).toHaveLength(1);
    expect(wrong()).toEqual([]);
  }, 90_000);

  it("gives the demo to the page alone, and to who is signed in", async () => {
    const ask = async (headers: Record<string, string>): Promise<unknown> =>
      ((await (await fetch(`${stack.dev.url}/dev/demo`, { method: "POST", headers })).json()) as { code: string }).code;
    expect(await ask({})).toBe("cross_origin");
    expect(await ask({ origin: "http://evil.example" })).toBe("cross_origin");
    expect(await ask({ origin: new URL(stack.dev.url).origin })).toBe("forbidden");
    const { page } = await stack.open();
    await page.goto("/");
    await page.getByLabel("API key").waitFor();
    expect(await page.evaluate(`fetch("/dev/demo").then((response) => response.status)`)).toBe(403);
  });

  it("is not what a project with calls of earlier months is", async () => {
    const projectId = await newProject();
    const call = { id: "old", timestamp: "2021-03-04T05:06:07Z", model: "gpt-4o-mini", input_tokens: 1 };
    const headers = { authorization: `Bearer ${await newKey(projectId)}`, "content-type": "application/json" };
    await fetch(`${stack.dev.url}/v1/traces`, { method: "POST", headers, body: JSON.stringify(call) });
    const { page } = await stack.open();
    await page.addInitScript(`localStorage.setItem("project", "${projectId}")`);
    await page.goto(`/#key=${stack.dev.adminKey}`);
    await page.getByText("No calls this month").waitFor();
    expect(await page.getByText("Send the first call").count()).toBe(0);
  });

  it("says so when the ledger does not answer, and goes on waiting", async () => {
    const { page } = await openIn(await newProject());
    let isAway = true;
    await page.route("**/v1/summary?*", async (route) => {
      if (!isAway) return await route.continue();
      await route.fulfill({ status: 503, json: { code: "database_unavailable" } });
    });
    const told = page.getByText("The database does not answer right now.");
    await told.waitFor();
    await page.getByText("Waiting for the first call.").waitFor();
    isAway = false;
    await told.waitFor({ state: "detached" });
  });

  it.each(["light", "dark"] as const)("has no serious finding of axe and fits into 360 pixels, %s", async (look) => {
    const { page, wrong } = await openIn(await newProject(), {
      colorScheme: look,
      viewport: { width: 360, height: 740 },
    });
    for (const title of ["curl", "Copilot in VS Code"]) {
      await page.getByRole("button", { name: title, exact: true }).click();
      expect(await seriousFindings(page)).toEqual([]);
      expect(await overflowOf(page)).toBeLessThanOrEqual(0);
    }
    expect(wrong()).toEqual([]);
  });
});

async function snippet(page: Page): Promise<string> {
  return (await page.locator(".first-run-snippet").allTextContents()).join("\n");
}
