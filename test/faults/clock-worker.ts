/** The Worker with a clock that can be set: a request with `x-clock-ahead-ms` sets it, and does no more. */
import worker from "../../src/index.ts";

const now = Date.now;
let aheadMs = 0;
Date.now = () => now() + aheadMs;

export default {
  ...worker,
  async fetch(request, env, ctx) {
    const given = request.headers.get("x-clock-ahead-ms");
    if (given === null) return await worker.fetch(request, env, ctx);
    aheadMs = Number(given);
    return new Response(null, { status: 204 });
  },
} satisfies ExportedHandler;
