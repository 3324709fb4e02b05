/** `GET /v1/admin/database`: the admin key's alone, and as `/openapi.json` describes it. */
import { expect, it } from "vitest";
import { admin, json, newKey, openLedger, problem } from "./ledger.ts";

const PATH = "/v1/admin/database";

it("tells the state of the database, and when a disk of the given size is full", async () => {
  const response = await admin("GET", `${PATH}?disk_bytes=1`);
  expect(response.headers.get("cache-control")).toBe("no-store");
  const report = await json<{
    size_bytes: number;
    growth: { disk_bytes: number; disk_full_at: string };
    tables: { name: string; partitions: number }[];
    findings: { code: string; severity: string; advice: string }[];
  }>(response);
  expect(report.size_bytes).toBeGreaterThan(1_000_000);
  expect(report.tables.find(({ name }) => name === "traces")!.partitions).toBeGreaterThan(12);
  expect(report.growth.disk_bytes).toBe(1);
  expect(report.findings[0]).toMatchObject({ code: "disk_nearly_full", severity: "critical" });
});

it("is for nobody but the admin key", async () => {
  const { projectId } = await openLedger();
  const { fetch } = await openLedger();
  await problem(await fetch(PATH), 403, "forbidden");
  const key = await newKey(projectId, ["admin"]);
  await problem(await fetch(PATH, { headers: { authorization: `Bearer ${key}` } }), 403, "forbidden");
  await problem(await fetch(PATH, { headers: { authorization: "Bearer x" } }), 401, "unauthorized");
});

it.each(["0", "-1", "1.5", "1e9", "", "x", "10000000000000000"])("refuses a disk of %j bytes", async (bytes) => {
  const { parameter } = await problem(await admin("GET", `${PATH}?disk_bytes=${bytes}`), 400, "invalid_parameter");
  expect(parameter).toBe("disk_bytes");
});
