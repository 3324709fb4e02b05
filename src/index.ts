/** The Worker's entry for requests, scheduled runs and messages. Their dependencies are built once per isolate. */
import { createApp } from "./app.ts";
import { parseConfig } from "./config.ts";
import { runScheduled } from "./cron.ts";
import { createDeps } from "./deps.ts";
import type { KeepAlive } from "./keep-alive.ts";
import { consume } from "./queue/consume.ts";
import { observeRun } from "./telemetry/run.ts";

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
    const { deps } = built;
    const keepAlive: KeepAlive = (work) => ctx.waitUntil(work);
    await observeRun(deps, "cron", keepAlive, async () => {
      const result = await runScheduled(deps, controller.scheduledTime, keepAlive);
      return { due: result !== null, ...result };
    });
  },
  async queue(batch, env, ctx) {
    built ??= build(env);
    const { deps } = built;
    const keepAlive: KeepAlive = (work) => ctx.waitUntil(work);
    await observeRun(deps, "queue", keepAlive, async () => {
      await consume(deps, batch, keepAlive);
      return { messages: batch.messages.length };
    });
  },
} satisfies ExportedHandler;
