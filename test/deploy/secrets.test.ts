/** The secrets: src/README.md says which they are, `.dev.vars.example` has each, and the Deploy button explains them. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { unstable_readConfig } from "wrangler";
import { parseConfig } from "../../src/config.ts";

const read = (file: string): string => readFileSync(file, "utf8");
const configured = [...read("src/config.ts").matchAll(/^ {4}([A-Z_]+): /gm)].map(([, name]) => name!);
const secrets = [...(/^Secrets are [^.]*\./m.exec(read("src/README.md"))?.[0] ?? "").matchAll(/`([A-Z_]+)`/g)].map(
  ([, name]) => name!,
);

/** Names with their values. What is optional stands behind `# `. */
function example(optional: boolean): Record<string, string> {
  const line = optional ? /^# ([A-Z_]+)="(.*)"$/gm : /^([A-Z_]+)="(.*)"$/gm;
  return Object.fromEntries([...read(".dev.vars.example").matchAll(line)].map(([, name, value]) => [name!, value!]));
}

it("src/README.md names each variable that must stay secret", () => {
  const secretive = configured.filter((name) => /_(?:KEY|TOKEN|PASSWORD|SECRET|HEADERS)$|DATABASE_URL$/.test(name));
  expect(secretive).toContain("ADMIN_KEY");
  expect(secretive.filter((name) => !secrets.includes(name))).toEqual([]);
  expect(secrets.filter((name) => !configured.includes(name))).toEqual([]);
});

it(".dev.vars.example has exactly the secrets, without values", () => {
  const all = { ...example(false), ...example(true) };
  expect(Object.keys(all).sort()).toEqual(secrets.toSorted());
  expect(Object.values(all).filter((value) => value !== "")).toEqual([]);
});

// The Deploy button asks for each line that is not a comment, and sets what is answered.
it(".dev.vars.example asks for what the Worker does not start without, and for no more", () => {
  const long = "0123456789abcdef".repeat(4);
  const needed: Record<string, string> = {
    DATABASE_URL: "postgres://user:password@host/database",
    UPSTASH_REDIS_REST_URL: "https://redis.example",
    UPSTASH_REDIS_REST_TOKEN: long,
    ADMIN_KEY: long,
  };
  expect(Object.keys(example(false)).sort()).toEqual(Object.keys(needed).sort());
  const variables = unstable_readConfig({ config: "wrangler.toml", env: "" }).vars;
  expect(() => parseConfig({ ...variables, ...needed })).not.toThrow();
  for (const name of Object.keys(needed)) expect(() => parseConfig({ ...needed, [name]: "" })).toThrow(name);
});

it("package.json explains what the Deploy button asks for", () => {
  const { cloudflare, scripts } = JSON.parse(read("package.json")) as {
    cloudflare: { bindings: Record<string, { description: string }> };
    scripts: Record<string, string>;
  };
  const { vars, ratelimits } = unstable_readConfig({ config: "wrangler.toml", env: "" });
  const asked = [
    ...Object.keys(example(false)),
    ...Object.keys(vars),
    ...ratelimits.map(({ name }: { name: string }) => name),
  ];
  expect(Object.keys(cloudflare.bindings).sort()).toEqual(asked.sort());
  expect(Object.values(cloudflare.bindings).filter(({ description }) => description.length < 20)).toEqual([]);
  // The button runs this script, without arguments.
  expect(scripts["deploy"]).toBe("wrangler deploy");
});

it("Git keeps no file of secrets", () => {
  expect(read(".gitignore").split("\n")).toEqual(expect.arrayContaining([".dev.vars*", "!.dev.vars.example", ".env*"]));
});
