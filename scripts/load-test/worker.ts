/** The Worker with one more route, `/load-test/cron`: bare workerd has no clock that fires `scheduled()`. */
import worker from "../../src/index.ts";

export default {
  ...worker,
  async fetch(request, env, ctx) {
    if (!request.url.endsWith("/load-test/cron")) return await worker.fetch(request, env, ctx);
    await worker.scheduled({ scheduledTime: Date.now(), cron: "* * * * *", noRetry() {} }, env, ctx);
    return new Response("done");
  },
} satisfies ExportedHandler;
