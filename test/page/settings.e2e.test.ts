/** `/settings` in Chromium: projects, keys that are shown once, and what each key may see. */
import type { Locator, Page } from "playwright-core";
import { Client } from "pg";
import { beforeAll, describe, expect, it } from "vitest";
import { HAS_CHROMIUM, overflowOf, seriousFindings, type Visit } from "./browser.ts";
import { HOSTILE, usePageStack } from "./page-stack.ts";

/** As long as the API takes them. */
const NAMES = HOSTILE.map((name) => name.slice(0, 200));

describe.skipIf(!HAS_CHROMIUM)("settings", () => {
  const stack = usePageStack();
  let hostile: string;

  const admin = async <T>(
    method: string,
    path: string,
    body?: object,
    more: Record<string, string> = {},
  ): Promise<T> => {
    const headers = { authorization: `Bearer ${stack.dev.adminKey}`, "content-type": "application/json", ...more };
    const init = body === undefined ? {} : { body: JSON.stringify(body) };
    return (await (await fetch(stack.dev.url + path, { method, headers, ...init })).json()) as T;
  };
  const send = async (key: string, calls: object[]): Promise<Response> =>
    await fetch(`${stack.dev.url}/v1/traces`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify(calls),
    });
  /** Signed in with the admin key, in a project. */
  const openAdmin = async (path: string, options = {}, projectId?: string): Promise<Visit> => {
    const visit = await stack.open({ timezoneId: "UTC", ...options });
    if (projectId) await visit.page.addInitScript(`localStorage.setItem("project", "${projectId}")`);
    await visit.page.goto(`${path}#key=${stack.dev.adminKey}`);
    await visit.page.getByRole("heading", { name: "Settings" }).waitFor();
    return visit;
  };

  beforeAll(async () => {
    if (!HAS_CHROMIUM) return;
    const calls = ["ada", "bob"].map((user) => ({
      id: user,
      timestamp: new Date().toISOString(),
      model: "gpt-4o-mini",
      user_id: user,
      input_tokens: 1_000,
      output_tokens: 200,
    }));
    await send(stack.dev.apiKey, calls);
    for (const name of NAMES) ({ id: hostile } = await admin<{ id: string }>("POST", "/v1/projects", { name }));
    for (const name of NAMES) await admin("POST", "/v1/keys", { project_id: hostile, name, scopes: ["read"] });
  });

  it("makes a project, and a key that is shown once, works, and ends with its sessions", async () => {
    const { page, wrong } = await openAdmin("/settings");
    await page.getByLabel("Name of a new project").fill("second");
    await page.getByRole("button", { name: "Make a project" }).click();
    await page.getByRole("heading", { name: "Keys of second" }).waitFor();
    await page.getByText("This project has no key").waitFor();

    await page.getByLabel("Name of a new key").fill("production");
    await page.getByRole("button", { name: "Make a key" }).click();
    await page.getByText("It is not shown again").waitFor();
    const key = (await page.locator("[data-new-key]").textContent())!;
    expect(key).toMatch(/^lct_/);
    expect((await send(key, [{ id: "1", timestamp: Date.now(), model: "gpt-4o-mini" }])).status).toBe(200);
    const kept = "location.href + JSON.stringify({ ...localStorage }) + JSON.stringify({ ...sessionStorage })";
    expect(await page.evaluate(`${kept} + JSON.stringify(history.state)`)).not.toContain("lct_");

    // Somewhere else and back: it is in no remembered answer either.
    await page.getByRole("link", { name: "Admin log" }).click();
    await page.getByRole("heading", { name: "What admins did" }).waitFor();
    await page.goBack();
    await rowOf(page, "Keys", "production").waitFor();
    expect(await page.content()).not.toContain("lct_");

    const other = await stack.open();
    await other.page.goto(`/#key=${key}`);
    await other.page.locator("#total-cost").waitFor();
    await page.getByRole("button", { name: "Revoke the key production" }).click();
    await page.getByText("sessions of this page that it signed in end").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Revoke the key production" }).click();
    await page.getByRole("button", { name: "Revoke the key", exact: true }).click();
    await page.getByText("This project has no key that works").waitFor();
    await page.getByLabel("Also show the key").check();
    expect(await rowOf(page, "Keys", "production").textContent()).toContain("revoked");
    await other.page.reload();
    await other.page.getByLabel("API key").waitFor();
    expect(wrong()).toEqual([]);
  });

  it("rotates a key, and says until when the old one works", async () => {
    const { id } = await admin<{ id: string }>("POST", "/v1/projects", { name: "rotated" });
    await admin("POST", "/v1/keys", { project_id: id, name: "worker", scopes: ["ingest"] });
    const { page, wrong } = await openAdmin("/settings", {}, id);
    await page.getByRole("button", { name: "Rotate the key worker" }).click();
    await page.getByLabel("The old key goes on working").selectOption("3600");
    await page.getByRole("button", { name: "Make the new key" }).click();
    await page.getByText("The old one works until").waitFor();
    const key = (await page.locator("[data-new-key]").textContent())!;
    expect((await send(key, [])).status).toBe(200);
    await page.getByRole("button", { name: "I have it" }).click();
    expect(await page.content()).not.toContain("lct_");
    await page.locator(".settings-state", { hasText: "replaced" }).waitFor();
    expect(wrong()).toEqual([]);
  });

  it("lists what the API lists, shows hostile names as text, and fits into 360 pixels", async () => {
    const { page, wrong } = await openAdmin("/settings", { viewport: { width: 360, height: 740 } }, hostile);
    const { projects } = await admin<{ projects: { id: string }[] }>("GET", "/v1/projects");
    const { keys } = await admin<{ keys: { id: string; project_id: string }[] }>("GET", "/v1/keys");
    await page.getByRole("table", { name: "Keys" }).waitFor();
    expect(await keysOf(page, "Projects")).toEqual(projects.map(({ id }) => id));
    const own = keys.filter((key) => key.project_id === hostile).map(({ id }) => id);
    expect((await keysOf(page, "Keys")).sort()).toEqual(own.sort());
    for (const name of NAMES) {
      for (const table of ["Projects", "Keys"])
        expect(await page.getByRole("table", { name: table }).getByText(name, { exact: true }).count()).toBe(1);
    }
    expect(await page.locator("img").count()).toBe(0);
    expect(await overflowOf(page)).toBeLessThanOrEqual(0);
    await page.getByRole("button", { name: `Revoke the key ${NAMES[0]}` }).click();
    await page.getByRole("dialog").getByText(NAMES[0]!).waitFor();
    expect(await overflowOf(page)).toBeLessThanOrEqual(0);
    expect(wrong()).toEqual([]);
  });

  it("keeps what was typed when the ledger does not answer, and sends the same request again", async () => {
    const { page } = await openAdmin("/settings", {}, hostile);
    const sent: (string | undefined)[] = [];
    await page.route("**/v1/keys", async (route) => {
      if (route.request().method() !== "POST") return await route.continue();
      sent.push(route.request().headers()["idempotency-key"]);
      if (sent.length > 1) return await route.continue();
      await route.fetch();
      await route.fulfill({ status: 503, json: { code: "database_unavailable" } });
    });
    await page.getByLabel("Name of a new key").fill("twice");
    await page.getByRole("button", { name: "Make a key" }).click();
    await page.getByText("The database does not answer right now. What you entered is still here").waitFor();
    await page.getByRole("button", { name: "Make a key" }).click();
    await page.getByText("An earlier try made this key").waitFor();
    expect(sent[0]).toBeTruthy();
    expect(sent[1]).toBe(sent[0]);
    expect(await page.getByLabel("Name of a new key").inputValue()).toBe("twice");
  });

  it("erases a user once the id is typed, and tells the progress", async () => {
    const { page, wrong } = await openAdmin("/settings?section=data");
    await page.getByLabel("Id of the user").fill("ada");
    await page.getByLabel("remove").check();
    await page.getByRole("button", { name: "Erase this user" }).click();
    const go = page.getByRole("button", { name: "Erase the user" });
    await page.getByLabel("Type the id of the user").fill("ad");
    expect(await go.isDisabled()).toBe(true);
    await page.getByText("totals become lower by what they cost").waitFor();
    await page.getByLabel("Type the id of the user").fill("ada");
    await go.click();
    await page.getByRole("table", { name: "Erasures" }).waitFor();
    const headers = { authorization: `Bearer ${stack.pageKey}` };
    const answer = await (await fetch(`${stack.dev.url}/v1/erasures`, { headers })).json();
    const { erasures } = answer as { erasures: { id: string; mode: string }[] };
    expect(erasures).toMatchObject([{ mode: "remove" }]);
    expect(await keysOf(page, "Erasures")).toEqual([erasures[0]!.id]);
    expect(wrong()).toEqual([]);
  });

  it("says 0 differences, and what differs, and puts it right", async () => {
    const { page, wrong } = await openAdmin("/settings?section=audit");
    await page.getByText("0 differences").waitFor();
    expect((await keysOf(page, "Sums and calls by day"))[0]).toBe(new Date().toISOString().slice(0, 10));
    const database = new Client({ connectionString: stack.dev.databaseUrl });
    await database.connect();
    await database.query(
      "update rollup set requests = requests + 1 where project_id = '00000000-0000-4000-8000-000000000000'",
    );
    await database.end();
    await page.reload();
    await page.getByText("sums differ from the calls").waitFor();
    await page.getByRole("table", { name: "Sums that differ" }).waitFor();
    await page.getByRole("button", { name: "Repair these days" }).click();
    await page.getByRole("button", { name: "Repair", exact: true }).click();
    await page.getByText("were put right").waitFor();
    await page.getByText("0 differences").waitFor();
    expect(wrong()).toEqual([]);
  });

  it("tells of messages that the queue gave up, and asks before it drops one", async () => {
    const { page } = await openAdmin("/settings?section=data");
    await page.getByText("There are none: every call that was acknowledged is counted.").waitFor();
    const at = new Date().toISOString();
    const letter = { id: "m1", project_id: null, received_at: at, tried_at: at, reason: "failed", calls: 7 };
    let letters = [letter];
    await page.route("**/v1/dead-letters*", (route) =>
      route.fulfill({ json: { dead_letters: letters, next_cursor: null } }),
    );
    await page.route("**/v1/dead-letters/m1", async (route) => {
      letters = [];
      await route.fulfill({ status: 204 });
    });
    await page.route("**/v1/dead-letters/replay", (route) =>
      route.fulfill({ json: { replayed: 0, failed: [{ id: "m1", error: "too old" }], remaining: 1 } }),
    );
    await page.reload();
    await page.getByText("1 message with 7 calls that are not counted.").waitFor();
    await page.getByRole("button", { name: "Store their calls after all" }).click();
    await page.getByText("0 messages stored, 1 failed, 1 left. The first that failed: too old").waitFor();
    await page.getByRole("button", { name: "Give up" }).click();
    await page.getByText("It has 7 calls. They will never be counted.").waitFor();
    await page.getByRole("button", { name: "Give it up" }).click();
    await page.getByText("There are none").waitFor();
  });

  it("shows the state, the database with its advice, and the log, as the API tells them", async () => {
    const { page, wrong } = await openAdmin("/settings?section=system");
    const { version } = await admin<{ version: string }>("GET", "/v1/admin/state");
    await page.getByText(version, { exact: true }).waitFor();
    await page.getByText("Calls are kept for ever.").waitFor();
    await page.getByRole("link", { name: "Database" }).click();
    await page.getByRole("heading", { name: "What to do" }).waitFor();
    const { findings } = await admin<{ findings: { code: string }[] }>("GET", "/v1/admin/database");
    const shown = await page
      .locator(".settings-findings li")
      .evaluateAll((all) => all.map((one) => one.getAttribute("data-key")));
    expect(shown).toEqual(findings.map(({ code }) => code));
    await page.getByRole("link", { name: "Admin log" }).click();
    const { entries } = await admin<{ entries: { id: string }[] }>("GET", "/v1/admin/log?limit=50");
    await page.getByRole("table", { name: "What admins did" }).waitFor();
    expect(await keysOf(page, "What admins did")).toEqual(entries.map(({ id }) => id));
    expect(wrong()).toEqual([]);
  });

  it("shows a project's admin what its key may do, and says so where an address asks for more", async () => {
    const { page, wrong } = await stack.openSignedIn(undefined, "/settings?section=keys");
    await page.getByText("There is no section “keys” for you").waitFor();
    const sections = page.getByRole("navigation", { name: "Sections" }).getByRole("link");
    expect(await sections.allTextContents()).toEqual(["Audit", "Users and messages"]);
    // An audit reads all calls of its days, so it waits until it is asked for.
    await page.getByText("There are none").waitFor();
    expect(await page.getByText("Audit of the last").count()).toBe(0);
    await page.getByRole("link", { name: "Audit" }).click();
    await page.getByText("0 differences").waitFor();
    expect(wrong()).toEqual([]);
  });

  it("is not there for a key that only reads", async () => {
    const { page, wrong } = await stack.open();
    await page.goto("/settings");
    await page.getByLabel("API key").fill(stack.dev.apiKey);
    await page.keyboard.press("Enter");
    await page.getByText("It has no scope admin.").waitFor();
    expect(await page.getByRole("link", { name: "Settings" }).count()).toBe(0);
    expect(wrong()).toEqual([]);
  });

  it.each(["light", "dark"] as const)("has no serious finding of axe, %s", async (colorScheme) => {
    const { page, wrong } = await openAdmin("/settings", { colorScheme }, hostile);
    await page.getByRole("table", { name: "Keys" }).waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    await page.getByRole("button", { name: "Revoke the key" }).first().click();
    expect(await seriousFindings(page)).toEqual([]);
    await page.keyboard.press("Escape");
    for (const name of ["System", "Audit", "Users and messages", "Database", "Admin log"]) {
      await page.getByRole("link", { name }).click();
      await page.locator(".skeleton").first().waitFor({ state: "detached" });
      expect(await seriousFindings(page)).toEqual([]);
    }
    expect(wrong()).toEqual([]);
  });
});

function rowOf(page: Page, table: string, name: string): Locator {
  return page.getByRole("table", { name: table }).locator("tr[data-key]", { hasText: name });
}

async function keysOf(page: Page, table: string): Promise<(string | null)[]> {
  const rows = page.getByRole("table", { name: table, exact: true }).locator("tr[data-key]");
  return await rows.evaluateAll((all) => all.map((row) => row.getAttribute("data-key")));
}
