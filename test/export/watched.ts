/** The database over the driver that is tested, with somebody between who sees what is asked and may fail it. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { inject } from "vitest";
import { startNeonEndpoint } from "../../scripts/local/neon-endpoint.ts";
import type { DatabaseOptions } from "../../src/db/client.ts";

export interface Watched {
  database: DatabaseOptions;
  close(): Promise<void>;
}

/** @param fails asked for each transaction with a statement that has this in it. */
export async function watch(part: string, fails: () => boolean): Promise<Watched> {
  const database = inject("databases")[inject("driver")];
  if (inject("driver") === "postgres") return await watchPostgres(database.url, part, fails);
  const { url: fetchEndpoint, close } = await startNeonEndpoint({
    databaseUrl: database.url,
    fault: (statements) => (statements.some(({ query }) => query.includes(part)) && fails() ? "refuse" : undefined),
  });
  return { database: { ...database, fetchEndpoint }, close };
}

/** A transaction is a connection there. */
async function watchPostgres(databaseUrl: string, part: string, fails: () => boolean): Promise<Watched> {
  const { hostname, port } = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const postgres = connect(Number(port), hostname);
    for (const socket of [client, postgres]) {
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
    }
    client.on("error", () => {});
    client.once("close", () => postgres.destroy());
    postgres.on("error", () => client.destroy());
    postgres.pipe(client);
    let asked = "";
    let found = false;
    client.on("data", (chunk: Buffer) => {
      asked += chunk.toString("latin1");
      if (!found && asked.includes(part)) {
        found = true;
        if (fails()) return void client.destroy();
      }
      postgres.write(chunk);
    });
    client.once("end", () => postgres.end());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = new URL(databaseUrl);
  url.port = String((server.address() as AddressInfo).port);
  return {
    database: { driver: "postgres", url: url.href },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
