/**
 * What Hyperdrive does, in front of an ordinary Postgres: few connections to the server, kept open, each lent to a
 * client for one transaction. So whatever a session would remember is somebody else's with the next one, as there.
 */
import { createServer, type Socket } from "node:net";
import pg from "pg";
import { listen } from "./listen.ts";

/** As many as Hyperdrive opens on its free plan; 5 at least. */
const DEFAULT_POOL_SIZE = 20;

const SSL_REQUEST = 80_877_103;
const GSS_REQUEST = 80_877_104;
const PROTOCOL = 196_608;

export interface Hyperdrive {
  /** The database's own URL, but for host and port. */
  url: string;
  close(): Promise<void>;
}

export async function startHyperdrive(databaseUrl: string, poolSize = DEFAULT_POOL_SIZE): Promise<Hyperdrive> {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: poolSize, idleTimeoutMillis: 60_000 });
  pool.on("error", () => {});
  pool.on("connect", (client) => client.on("error", () => {}));
  const password = decodeURIComponent(new URL(databaseUrl).password);
  const clients = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    clients.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => clients.delete(socket));
    greet(socket, password, () => serve(socket, pool));
  });
  const url = new URL(databaseUrl);
  url.hostname = "127.0.0.1";
  url.port = String(await listen(server));
  return {
    url: url.href,
    async close() {
      server.close();
      for (const socket of clients) socket.destroy();
      await pool.end();
    },
  };
}

/** Start-up and password; nothing is encrypted on the loopback interface. */
function greet(socket: Socket, password: string, onGreeted: () => void): void {
  let started = false;
  let waiting: Buffer = Buffer.alloc(0);
  const onData = (chunk: Buffer): void => {
    waiting = Buffer.concat([waiting, chunk]);
    // The first messages have no type before their length.
    const at = started ? 1 : 0;
    if (waiting.length < at + 4 || waiting.length < at + waiting.readUInt32BE(at)) return;
    const message = waiting.subarray(at + 4, at + waiting.readUInt32BE(at));
    waiting = waiting.subarray(at + waiting.readUInt32BE(at));
    if (started) {
      if (message.subarray(0, -1).toString() !== password) return refuse(socket, "28P01", "wrong password");
      socket.off("data", onData);
      onGreeted();
      socket.write(Buffer.concat([typed("R", int32(0)), typed("Z", Buffer.from("I"))]));
      return;
    }
    const code = message.readUInt32BE(0);
    if (code === SSL_REQUEST || code === GSS_REQUEST) socket.write("N");
    else if (code !== PROTOCOL) socket.destroy();
    else {
      started = true;
      socket.write(typed("R", int32(3)));
    }
  };
  socket.on("data", onData);
}

/** Passes everything on, with a connection of the pool from a transaction's first message to its end. */
function serve(socket: Socket, pool: pg.Pool): void {
  let lent: { stream: Socket; giveBack(broken: boolean): void } | undefined;
  let waiting: Buffer[] | undefined;
  /** `ReadyForQuery`s that the server owes. */
  let owed = 0;
  let unsynced = false;

  const fromClient = messages((type) => {
    if (type === "X") return;
    unsynced = type !== "Q" && type !== "S";
    if (!unsynced) owed++;
  });

  const lend = async (): Promise<void> => {
    let client: pg.PoolClient;
    try {
      client = await pool.connect();
    } catch (error) {
      // An error of the socket has a code of its own, which is none of Postgres'.
      return refuse(socket, error instanceof pg.DatabaseError ? error.code! : "08006", (error as Error).message);
    }
    const { stream } = (client as unknown as { connection: { stream: Socket } }).connection;
    const own = stream.listeners("data") as ((chunk: Buffer) => void)[];
    for (const listener of own) stream.off("data", listener);
    const fromServer = messages((type, status) => {
      if (type !== "Z") return;
      owed--;
      if (owed === 0 && status === "I" && !unsynced) lent?.giveBack(false);
    });
    const onData = (chunk: Buffer): void => {
      socket.write(chunk);
      fromServer(chunk);
    };
    const onClose = (): void => void socket.destroy();
    stream.on("data", onData);
    stream.once("close", onClose);
    lent = {
      stream,
      giveBack(broken) {
        lent = undefined;
        stream.off("data", onData);
        stream.off("close", onClose);
        for (const listener of own) stream.on("data", listener);
        client.release(broken);
      },
    };
    if (socket.destroyed) return lent.giveBack(false);
    for (const chunk of waiting ?? []) stream.write(chunk);
    waiting = undefined;
  };

  socket.on("data", (chunk) => {
    fromClient(chunk);
    if (chunk[0] === TERMINATE && chunk.length === 5 && owed === 0) return void socket.end();
    if (waiting) waiting.push(chunk);
    else if (lent) lent.stream.write(chunk);
    else {
      waiting = [chunk];
      void lend();
    }
  });
  // A transaction that its client left behind ends with its connection.
  socket.once("close", () => lent?.giveBack(true));
}

const TERMINATE = 0x58;

/** Tells each message's type and last byte, once it has passed. */
function messages(onMessage: (type: string, last: string) => void): (chunk: Buffer) => void {
  let head: Buffer = Buffer.alloc(0);
  let left = 0;
  return (chunk) => {
    let at = 0;
    while (at < chunk.length) {
      if (left === 0) {
        const part = chunk.subarray(at, at + 5 - head.length);
        head = Buffer.concat([head, part]);
        at += part.length;
        if (head.length < 5) return;
        left = head.readUInt32BE(1) - 4;
      } else {
        const step = Math.min(left, chunk.length - at);
        left -= step;
        at += step;
      }
      if (left > 0) continue;
      const type = String.fromCharCode(head[0]!);
      head = Buffer.alloc(0);
      onMessage(type, String.fromCharCode(chunk[at - 1]!));
    }
  };
}

function refuse(socket: Socket, code: string, text: string): void {
  socket.end(typed("E", Buffer.from(`SFATAL\0VFATAL\0C${code}\0M${text}\0\0`)));
}

function typed(type: string, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(type), int32(body.length + 4), body]);
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}
