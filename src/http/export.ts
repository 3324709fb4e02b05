/** `GET /v1/export`: all calls of a range, or all rows of a summary, as a download. */
import { Hono } from "hono";
import { z } from "zod";
import { exportLines } from "../export/lines.ts";
import { EXPORT_PARAMETERS, type ExportQuery, parseExportQuery } from "../export/query.ts";
import { streamOf } from "../export/stream.ts";
import { SummaryRow } from "../summary/shown.ts";
import { ShownTrace } from "../traces/shown.ts";
import { lines } from "./batch.ts";
import { type AppEnv, type Deps, ownDeps } from "./context.ts";
import { asFarAsKept } from "./kept.ts";
import { operation } from "./operation.ts";

const DESCRIPTION = `Calls come oldest first. Rows of a summary come by interval, then by the keys of \`group_by\`; calls
without the grouped label come first. With a filter by a tag, calls are left out for which it is not rolled up: the summary
has their number in \`not_rolled_up\`. The number of lines has no limit. A call that is stored during the download is in it if
its place is still ahead.`;

const ExportedRow = SummaryRow.extend({ cursor: z.string() }).meta({
  patternProperties: { "^tag\\.": { type: ["string", "null"] } },
});

export function exportRoutes(deps: Deps): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.get(
    "/v1/export",
    operation(deps, {
      id: "export",
      tag: "Calls",
      summary: "Download all calls of a range, or all rows of a summary",
      description: DESCRIPTION,
      caller: "read",
      query: EXPORT_PARAMETERS,
      answers: {
        200: {
          description: "Lines. If the export fails, the transfer breaks off with an error.",
          content: {
            ...lines(z.union([ShownTrace, ExportedRow])),
            "text/csv": { schema: z.string() },
          },
          headers: { "Content-Disposition": "`attachment` with a file name.", "Cache-Control": "`private, no-store`" },
        },
      },
      refusals: ["raw_expired", "hours_expired"],
    }),
    async (c) => {
      const { projectId } = c.get("caller");
      const { promise: ended, resolve: end } = Promise.withResolvers<Error | null>();
      const { asked, body } = await asFarAsKept(new URL(c.req.url).searchParams, async (params) => {
        const asked = parseExportQuery(params, projectId, deps.now(), deps.zones);
        const body = await streamOf(exportLines(ownDeps(deps, projectId).reader, projectId, asked), end);
        return { asked, body };
      });
      c.get("noted").ended = ended;
      return c.body(body, 200, {
        "Content-Type": asked.format === "ndjson" ? "application/x-ndjson" : "text/csv; charset=utf-8",
        "Content-Disposition": `attachment; filename="${fileName(asked)}"`,
        "Cache-Control": "private, no-store",
      });
    },
  );
  return app;
}

/** `llm-costs_traces_2026-11-01_2026-12-01.csv` */
function fileName({ type, format, query }: ExportQuery): string {
  const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
  const kind = format === "focus" ? "focus" : type;
  return `llm-costs_${kind}_${day(query.fromMs)}_${day(query.toMs)}.${format === "ndjson" ? "ndjson" : "csv"}`;
}
