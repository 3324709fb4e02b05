/** Ports of this machine: listened on, or found to be free. */
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server } from "node:net";
import { StartError } from "./start-error.ts";

/** Listens on `port` (0: any free one), which it returns. */
export async function listen(server: Server, port = 0, host = "127.0.0.1"): Promise<number> {
  server.listen(port, host);
  try {
    await once(server, "listening");
  } catch (error) {
    throw describeListenError(error as NodeJS.ErrnoException, port);
  }
  return (server.address() as AddressInfo).port;
}

/** Below those that the system gives to connections, so that none takes the port before it is listened on. */
const FREE_PORTS = [10_000, 32_000] as const;
const TRIES = 20;

/** A port that nothing listens on now: `port` itself, or any. @throws StartError when `port` is taken. */
export async function freePort(port = 0): Promise<number> {
  for (let tries = 1; ; tries++) {
    const server = createServer();
    try {
      const free = await listen(server, port || randomInt(...FREE_PORTS));
      server.close();
      await once(server, "close");
      return free;
    } catch (error) {
      if (port !== 0 || tries === TRIES) throw error;
    }
  }
}

/** Turns "the port is taken" into a sentence; other errors stay as they are. */
export function describeListenError(error: NodeJS.ErrnoException, port: number): Error {
  if (error.code === "EADDRINUSE") {
    return new StartError(`Port ${port} is already in use: stop what listens there, or choose another one with PORT.`);
  }
  if (error.code === "EACCES")
    return new StartError(`Port ${port} may not be opened by this user: choose another one with PORT.`);
  return error;
}
