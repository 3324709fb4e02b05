/** The Worker's entry for requests, scheduled runs and messages. Their dependencies are built once per isolate. */
import { createApp } from "./app.ts";
import { parseConfig } from "./config.ts";
import { runScheduled } from "./cron.ts";
import { createDeps } from "./deps.ts";
import { consume } from "./queue/consume.ts";

function build(env: unknown) {
  const deps = createDeps(parseConfig(env));
  return { deps, app: createApp(deps) };
}

let built: ReturnType<typeof build> | undefined;

export default {
  async fetch(request, env, ctx) {
    built ??= build(env);
    return await built.app.fetch(request, env, ctx);
  },
  async scheduled(controller, env, ctx) {
    built ??= build(env);
    await runScheduled(built.deps, controller.scheduledTime, (work) => ctx.waitUntil(work));
  },
  async queue(batch, env, ctx) {
    built ??= build(env);
    await consume(built.deps, batch, (work) => ctx.waitUntil(work));
  },
} satisfies ExportedHandler;
