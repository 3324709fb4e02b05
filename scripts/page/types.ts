/** `src/page/api.d.ts`: the types of the API, made from the description that the Worker serves. */
import { readFile, writeFile } from "node:fs/promises";
import { registerHooks } from "node:module";
import { resolve } from "node:path";
import { createApp } from "../../src/app.ts";
import { parseConfig } from "../../src/config.ts";
import { createDeps } from "../../src/deps.ts";

const FILE = resolve(import.meta.dirname, "../../src/page/api.d.ts");

/** Describing the routes asks no store, so these lead nowhere. */
const NOWHERE = {
  DATABASE_URL: "postgres://nobody:none@localhost/none",
  UPSTASH_REDIS_REST_URL: "http://localhost",
  UPSTASH_REDIS_REST_TOKEN: "none",
  ADMIN_KEY: "0".repeat(32),
  LOG_LEVEL: "error",
};

/** Writes the file only if it differs, so that a watcher sees no change where there is none. */
export async function writeApiTypes(): Promise<void> {
  const response = await createApp(createDeps(parseConfig(NOWHERE))).request("/openapi.json");
  const types = await typesOf((await response.json()) as object);
  if ((await readFile(FILE, "utf8").catch(() => "")) !== types) await writeFile(FILE, types);
}

async function typesOf(description: object): Promise<string> {
  // It asks for the compiler's API, which TypeScript has only up to version 5.
  const hooks = registerHooks({
    resolve: (specifier, context, next) => next(specifier === "typescript" ? "typescript-5" : specifier, context),
  });
  try {
    const { default: openapiTypes, astToString } = await import("openapi-typescript");
    const types = await openapiTypes(description as Parameters<typeof openapiTypes>[0], { defaultNonNullable: false });
    return `/** Made from the API's description. */\n${astToString(types)}`;
  } finally {
    hooks.deregister();
  }
}
