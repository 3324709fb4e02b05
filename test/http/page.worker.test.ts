import { exports } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { VIEWS } from "../../src/http/page.ts";

const ask = async (path: string, method = "GET"): Promise<Response> =>
  await exports.default.fetch(new Request(`http://ledger${path}`, { method }));

describe("the page", () => {
  it.each(VIEWS)("is at %s, may run and ask this server alone, and is asked for anew each time", async (view) => {
    const response = await ask(view.replace(":id", "%3Cb%3E"));
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
    const policy = response.headers.get("content-security-policy")!;
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self';");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    expect(response.headers.get("referrer-policy")).toBe("no-referrer");
    expect(response.headers.get("cache-control")).toBe("no-cache");
    const page = await response.text();
    expect(page).not.toMatch(/<script(?! type="module" crossorigin src="\/assets\/)|<style|\son\w+=/);
  });

  it("lets the browser load what the overview needs beside what it starts with", async () => {
    const page = await (await ask("/")).text();
    expect(page).toMatch(/<link rel="modulepreload" crossorigin href="\/assets\/overview-[^"]+\.js">/);
    expect(page).toMatch(/<link rel="preload" as="style" crossorigin href="\/assets\/[^"]+\.css">/);
  });

  it("has files that never change, by names that do", async () => {
    const page = await (await ask("/")).text();
    const files = [...page.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, file]) => file!);
    expect(files.map((file) => file.split(".").at(-1)).sort()).toEqual(expect.arrayContaining(["css", "js", "svg"]));
    for (const file of files) {
      const response = await ask(file);
      expect([file, response.status]).toEqual([file, 200]);
      expect(response.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
      expect(response.headers.get("content-type")).toMatch(/^(?:text\/(?:css|javascript)|image\/svg\+xml)/);
      await response.body?.cancel();
    }
  });

  it.each(["/assets/nothing.js", "/assets/..%2Findex.html", "/index.html", "/docs.html", "/view.html", "/calls/a/b"])(
    "has nothing at %s",
    async (path) => {
      const response = await ask(path);
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({ code: "not_found" });
    },
  );

  it.each(["GET", "POST"])("has no demo: only the dev stack does, %s", async (method) => {
    const headers = { "sec-fetch-site": "same-origin" };
    const response = await exports.default.fetch(new Request("http://ledger/dev/demo", { method, headers }));
    expect(response.status).toBe(404);
    expect(await (await ask("/")).text()).not.toContain('name="demo"');
  });

  it("takes nothing", async () => {
    const response = await ask("/", "POST");
    expect([response.status, response.headers.get("allow")]).toEqual([405, "GET"]);
  });
});
