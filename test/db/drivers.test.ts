/** What every driver promises: the same values, the same errors, one transaction a call. */
import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, createServer as createSocketServer } from "node:net";
import { sql } from "drizzle-orm";
import { describe, expect, inject, it, onTestFinished } from "vitest";
import {
  connect,
  DatabaseUnavailable,
  type Database,
  type DatabaseOptions,
  REFUSED,
  Refused,
  type Row,
  StatementTooLarge,
} from "../../src/db/client.ts";
import { createProject } from "../../src/keys.ts";

const DRIVERS = ["neon", "postgres"] as const;
const over = (driver: (typeof DRIVERS)[number], changes: Partial<DatabaseOptions> = {}): Database =>
  connect({ ...inject("databases")[driver], ...changes });

/** Every type that a statement of ours takes or answers with. */
const VALUES = sql`
  select 1::smallint as smallint, 2147483647::integer as integer, 9223372036854775807::bigint as bigint,
    123456789012345678901234567890.5::numeric as numeric, 0.1::float8 as double, true as yes, false as no,
    'é"\\\n''😀'::text as text, ''::text as empty, null::text as nothing,
    '00000000-0000-4000-8000-00000000000a'::uuid as uuid,
    '2025-03-10 01:02:03.456789+05:30'::timestamptz as instant, 'infinity'::timestamptz as forever,
    '{"a": [1, null, "x"], "b": 1e3}'::jsonb as jsonb, '[]'::json as json,
    '{1,-2}'::smallint[] as smallints, '{1,2}'::integer[] as integers, '{9223372036854775807,null}'::bigint[] as bigints,
    '{1.50}'::numeric[] as numerics, '{"a,b",null,"NULL","\\"q\\""}'::text[] as texts, '{}'::text[] as no_texts,
    '{00000000-0000-4000-8000-00000000000a}'::uuid[] as uuids, '{t,f}'::boolean[] as booleans`;

it("gives the same values of all types over both", async () => {
  const [neon, postgres] = (await Promise.all(DRIVERS.map((driver) => over(driver).query(VALUES)))) as [Row[], Row[]];
  expect(postgres).toEqual(neon);
  expect(neon[0]).toMatchObject({
    integer: 2_147_483_647,
    bigint: "9223372036854775807",
    numeric: "123456789012345678901234567890.5",
    instant: new Date("2025-03-09T19:32:03.456Z"),
    bigints: ["9223372036854775807", null],
    texts: ["a,b", null, "NULL", '"q"'],
  });
});

it("takes the same parameters over both", async () => {
  const instant = new Date("2025-03-09T19:32:03.456Z");
  const query = sql`select ${"it's"}::text as text, ${null}::text as nothing, ${2.5}::float8 as float, ${-3}::int as int,
    ${9_223_372_036_854_775_807n}::bigint as bigint, ${false}::boolean as bool, ${instant}::timestamptz as instant`;
  const [neon, postgres] = await Promise.all(DRIVERS.map((driver) => over(driver).query(query)));
  expect(postgres).toEqual(neon);
  expect(neon).toEqual([
    { text: "it's", nothing: null, float: 2.5, int: -3, bigint: "9223372036854775807", bool: false, instant },
  ]);
});

it("lets clients of different Neon endpoints work side by side", async () => {
  const asked: string[] = [];
  const endpoints = await Promise.all(
    ["first", "second"].map(async (name) => {
      const server = createServer((_, response) => {
        asked.push(name);
        response.setHeader("content-type", "application/json");
        const fields = [{ name: "name", dataTypeID: 25 }];
        response.end(JSON.stringify({ command: "SELECT", rowCount: 1, fields, rows: [[name]] }));
      });
      onTestFinished(() => void server.close());
      await once(server.listen(0, "127.0.0.1"), "listening");
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}/sql`;
    }),
  );
  const [first, second] = endpoints.map((fetchEndpoint) => over("neon", { fetchEndpoint }));
  const name = sql`select name`;
  for (const [db, answer] of [
    [first, "first"],
    [second, "second"],
    [first, "first"],
  ] as const) {
    expect(await db!.query(name)).toEqual([{ name: answer }]);
  }
  expect(asked).toEqual(["first", "second", "first"]);
  expect(await over("neon").query(sql`select 1 as one`)).toEqual([{ one: 1 }]);
});

async function neonSaying(code: string): Promise<Partial<DatabaseOptions>> {
  const server = createServer((_, response) => {
    response.writeHead(400, { "content-type": "application/json" }).end(JSON.stringify({ message: "away", code }));
  });
  onTestFinished(() => void server.close());
  await once(server.listen(0, "127.0.0.1"), "listening");
  return { fetchEndpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/sql` };
}

/** Answers whatever a client says first with Postgres' message of an error. */
async function hyperdriveSaying(code: string): Promise<Partial<DatabaseOptions>> {
  const server = createSocketServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => {
      const fields = Buffer.from(`SFATAL\0VFATAL\0C${code}\0Maway\0\0`);
      const head = Buffer.alloc(5);
      head.write("E");
      head.writeInt32BE(fields.length + 4, 1);
      socket.end(Buffer.concat([head, fields]));
    });
  });
  onTestFinished(() => void server.close());
  await once(server.listen(0, "127.0.0.1"), "listening");
  return { url: `postgres://u:p@127.0.0.1:${(server.address() as AddressInfo).port}/x` };
}

describe.each(DRIVERS)("over %s", (driver) => {
  const db = over(driver);
  const failure = async (work: Promise<unknown>): Promise<Error> =>
    work.then(
      () => expect.fail("it succeeded"),
      (error: Error) => error,
    );
  const nameOf = async (id: string): Promise<unknown> =>
    (await db.query(sql`select name from projects where id = ${id}::uuid`))[0]?.["name"];
  const rename = (id: string, name: string) => sql`update projects set name = ${name} where id = ${id}::uuid`;

  it("takes the same values", async () => {
    const values = ["9223372036854775807", 1.5, true, null, "é\"\\'", '{"a",null}', "2025-03-10T00:00:00Z"];
    const text =
      "select $1::bigint a, $2::float8 b, $3::bool c, $4::text d, $5::text e, $6::text[] f, $7::timestamptz g";
    expect(await db.run({ text }, values)).toEqual([
      { a: values[0], b: 1.5, c: true, d: null, e: values[4], f: ["a", null], g: new Date("2025-03-10") },
    ]);
  });

  it("runs a batch as one transaction, at READ COMMITTED, and each of it sees what went before", async () => {
    const { id } = await createProject(db, "a");
    const [, [seen] = [], , [level] = []] = await db.batch([
      rename(id, "b"),
      sql`select name, pg_current_xact_id()::text as transaction from projects where id = ${id}::uuid`,
      rename(id, "c"),
      sql`select current_setting('transaction_isolation') as isolation, pg_current_xact_id()::text as transaction`,
    ]);
    expect(seen!["name"]).toBe("b");
    expect(level).toEqual({ isolation: "read committed", transaction: seen!["transaction"] });
    expect(await nameOf(id)).toBe("c");
  });

  it("leaves nothing of a batch that fails, and says by what", async () => {
    const { id } = await createProject(db, "a");
    const refused = sql`select refuse_if(true, ${REFUSED})`;
    expect(await failure(db.batch([rename(id, "b"), refused, rename(id, "c")]))).toBeInstanceOf(Refused);
    const twice = sql`insert into projects (id, name) values (${id}::uuid, 'twice')`;
    expect(await failure(db.batch([rename(id, "b"), twice]))).toMatchObject({ code: "23505" });
    expect(await nameOf(id)).toBe("a");
  });

  it("leaves nothing behind in the session for the next one", async () => {
    const settings = sql`
      select current_setting('statement_timeout') as timeout, current_setting('application_name') as application`;
    const before = await over(driver, { timeoutMs: 7_000 }).query(settings);
    await db.batch([sql`select set_config('application_name', 'mine', true)`, sql`select 1`]);
    expect(await over(driver, { timeoutMs: 7_000 }).query(settings)).toEqual(before);
  });

  it("is unavailable where nothing answers, and where it takes too long; no lock stays", async () => {
    const url = "postgres://u:p@127.0.0.1:9/x";
    expect(await failure(over(driver, { url }).ping())).toBeInstanceOf(DatabaseUnavailable);
    const { id } = await createProject(db, "a");
    const beganMs = Date.now();
    const slow = over(driver, { timeoutMs: 1_000 }).batch([rename(id, "b"), sql`select pg_sleep(60)`]);
    expect(await failure(slow)).toBeInstanceOf(DatabaseUnavailable);
    expect(Date.now() - beganMs).toBeLessThan(4_000);
    await db.query(rename(id, "c"));
    expect(await nameOf(id)).toBe("c");
  });

  it.each([
    ["08006", "connection_failure"],
    ["08P99", "of the class of connections, and not known"],
    ["57P01", "admin_shutdown"],
    ["57P99", "of the class of interventions, and not known"],
    ["28P01", "invalid_password"],
    ["3D000", "invalid_catalog_name"],
  ])("is unavailable where the database says %s: %s", async (code) => {
    const raise = sql`select refuse_if(true, ${code})`;
    expect(await failure(db.query(raise))).toBeInstanceOf(DatabaseUnavailable);
  });

  it.each(["ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "EAI_AGAIN"])(
    "is unavailable where what stands before the database says %s",
    async (code) => {
      const options = driver === "neon" ? await neonSaying(code) : await hyperdriveSaying(code);
      expect(await failure(over(driver, options).ping())).toBeInstanceOf(DatabaseUnavailable);
    },
  );

  it("runs what deadlocked again", async () => {
    const [a, b] = [await createProject(db, "a"), await createProject(db, "b")];
    const crossing = ([first, then]: string[], name: string) =>
      over(driver, { timeoutMs: 20_000 }).batch([rename(first!, name), sql`select pg_sleep(0.5)`, rename(then!, name)]);
    await Promise.all([crossing([a.id, b.id], "x"), crossing([b.id, a.id], "y")]);
    expect([["x", "x"].join(), ["y", "y"].join()]).toContain([await nameOf(a.id), await nameOf(b.id)].join());
  });

  it("says what is too large, asked or answered", async () => {
    const long = "x".repeat(11 * 1_024 * 1_024);
    expect(await failure(db.run({ text: "select length($1::text)" }, [long]))).toBeInstanceOf(StatementTooLarge);
    const answer = sql`select repeat('x', 1024 * 1024) as row from generate_series(1, 11)`;
    expect(await failure(db.query(answer))).toBeInstanceOf(StatementTooLarge);
    expect(await db.query(sql`select 1 as one`)).toEqual([{ one: 1 }]);
  });
});
