import { expect, it } from "vitest";
import { wrongImports, wrongImportsOf } from "../../scripts/layers.ts";

it("finds no wrong import in this checkout", () => {
  expect(wrongImports(".")).toEqual([]);
});

it.each([
  ["src/db/client.ts", 'import { sums } from "../rollup/sums.ts";', "rollup is not above db"],
  ["src/db/client.ts", 'import type { Call } from "../write/columns.ts";', "write is not above db"],
  ["src/summary/cache.ts", 'export { commit } from "../write/group-commit.ts";', "write is not above summary"],
  ["src/money.ts", 'const { db } = await import("./db/client.ts");', "db is not above money"],
  ["src/write/insert.ts", 'import {\n  list,\n} from "../nowhere/sql.ts";', "nowhere has no layer"],
  ["src/page/views/why.tsx", 'import { picoToUsd } from "../../money.ts";', "money is not above page"],
  ["src/http/page.ts", 'import { VIEWS } from "../page/route.ts";', "nothing of the Worker knows the page"],
  ["src/index.ts", 'import "../scripts/command.ts";', "does not know its scripts"],
  ["src/index.ts", 'import { call } from "../test/calls.ts";', "only tests import tests"],
  [
    "scripts/client/ledger.ts",
    'import { connect } from "../../src/db/client.ts";',
    "scripts/client may use time of src",
  ],
  ["scripts/local/stack.ts", 'import { main } from "../bench/command.ts";', "bench is not above local"],
])("refuses what %s imports by %j", (path, source, problem) => {
  expect(wrongImportsOf(path, source)).toEqual([expect.stringContaining(problem)]);
});

it.each([
  ["src/write/insert.ts", 'import { list } from "../db/sql.ts"; import { columns } from "./columns.ts";'],
  ["src/page/views/why.tsx", 'import type { paths } from "../api.d.ts"; import { h } from "preact";'],
  ["src/index.ts", 'import { Hono } from "hono"; const from = "../scripts/command.ts";'],
  ["scripts/bench/writes.ts", 'import { writeBatch } from "../../src/write/write-batch.ts";'],
  ["test/write/insert.test.ts", 'import { MERGE } from "../../src/rollup/merge.ts";'],
])("lets %s import by %j", (path, source) => {
  expect(wrongImportsOf(path, source)).toEqual([]);
});
