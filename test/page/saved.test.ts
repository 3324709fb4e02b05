/** Saved views, also those of other versions of the page. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openable, wrongView } from "../../src/page/saved.ts";
import { ViewBody } from "../../src/views.ts";

const open = (path: string) => openable(path, (view) => view !== "prices");

describe("a saved view", () => {
  it("opens as it was saved", () => {
    for (const path of [
      "/",
      "/explore?group_by=model&interval=day&range=7d&tag.cost+center=a%26b",
      "/calls/0198b0c0-0000-7000-8000-000000000000?part=trace",
      "/sessions/a%2Fb?tz=UTC",
    ])
      expect(open(path)).toEqual({ href: path, leftOut: null });
  });

  it("tells which parameters this version does not know, with their values", () => {
    expect(open("/explore?colour=red&range=7d&shape=a&shape=b&model=x")).toEqual({
      href: "/explore?range=7d&model=x",
      leftOut: "This version does not know a part of it, which is left out: colour=red, shape=a,b",
    });
  });

  it("keeps range and filters of a view that is gone, and tells its whole path", () => {
    expect(open("/prices?range=7d&model=x&section=custom")).toEqual({
      href: "/explore?range=7d&model=x",
      leftOut:
        "This version has no view at /prices, so its range and filters open here. It was saved as /prices?range=7d&model=x&section=custom",
    });
    expect(open("/old").href).toBe("/explore");
  });

  it("never leads out of the page", () => {
    for (const path of ["//evil.example/x", "https://evil.example/", "/\\evil.example", "javascript:alert(1)"])
      expect(open(path).href).toMatch(/^\/(?:explore)?$/);
  });

  it("is refused in a sentence where the API would refuse it", () => {
    for (const name of ["", "a", "\u{1f468}".repeat(100), "\u{1f468}".repeat(101)])
      expect([name, wrongView(name, "/") === null]).toEqual([name, ViewBody.safeParse({ name, path: "/" }).success]);
    for (const length of [4_000, 4_001]) {
      const path = `/explore?model=${"a".repeat(length - 15)}`;
      expect([length, wrongView("a", path) === null]).toEqual([
        length,
        ViewBody.safeParse({ name: "a", path }).success,
      ]);
    }
  });
});

it("knows every parameter that a view reads by its name", async () => {
  const folder = join(import.meta.dirname, "../../src/page");
  const files = (await readdir(folder, { recursive: true })).filter((name) => /(?<!\.d)\.tsx?$/.test(name));
  const texts = await Promise.all(files.map(async (name) => await readFile(join(folder, name), "utf8")));
  const names = texts.flatMap((text) =>
    [...text.matchAll(/query\.(?:get|getAll|has)\("([a-z_]+)"\)/g)].map(([, name]) => name!),
  );
  expect(names).toContain("tz");
  expect(names.filter((name) => open(`/explore?${name}=x`).leftOut !== null)).toEqual([]);
});
