/** A TCP proxy that breaks connections on command. Connections that are open when a fault begins are broken, too. */
import { connect, createServer, type Socket } from "node:net";
import { listen } from "../../scripts/local/listen.ts";

/**
 * `refuse` closes each connection at once. `hang` passes nothing on. `delay` passes all on, later. `cut` closes after so
 * many bytes to the server. `swallow` passes a request on, and closes as the first byte of its answer comes: the server
 * has done the work by then.
 */
export type ProxyFault =
  | { kind: "refuse" }
  | { kind: "hang" }
  | { kind: "delay"; ms: number }
  | { kind: "cut"; bytes: number }
  | { kind: "swallow" };

export interface FaultProxy {
  port: number;
  /** Null: all is well again. */
  set(fault: ProxyFault | null): void;
  close(): void;
}

export async function startFaultProxy(targetPort: number): Promise<FaultProxy> {
  let fault: ProxyFault | null = null;
  const open = new Set<Socket>();
  const server = createServer({ noDelay: true }, (client) => {
    open.add(client);
    client.on("close", () => open.delete(client));
    client.on("error", () => {});
    if (fault?.kind === "refuse") return void client.destroy();
    const target = connect(targetPort, "127.0.0.1");
    const both = (): void => void (client.destroy(), target.destroy());
    target.on("error", both).on("close", both);
    client.on("close", both);
    let sent = 0;
    client.on("data", (chunk) => {
      sent += chunk.length;
      if (fault?.kind === "cut" && sent > fault.bytes) {
        target.write(chunk.subarray(0, Math.max(chunk.length - (sent - fault.bytes), 0)), both);
        return;
      }
      pass(target, chunk);
    });
    target.on("data", (chunk) => (fault?.kind === "swallow" ? both() : pass(client, chunk)));
  });
  const pass = (to: Socket, chunk: Buffer): void => {
    if (fault?.kind === "hang") return;
    // In order, for all wait equally long.
    if (fault?.kind === "delay") setTimeout(() => to.destroyed || to.write(chunk), fault.ms);
    else to.write(chunk);
  };
  return {
    port: await listen(server),
    set(next) {
      // What was swallowed or delayed half is of no use to anybody.
      if (fault?.kind === "hang" || fault?.kind === "delay" || next?.kind === "refuse")
        for (const client of open) client.destroy();
      fault = next;
    },
    close() {
      server.close();
      for (const client of open) client.destroy();
    },
  };
}

/** The URL with another port. */
export function through(proxy: FaultProxy, url: string): string {
  const changed = new URL(url);
  changed.hostname = "127.0.0.1";
  changed.port = String(proxy.port);
  return changed.href.replace(/\/$/, "");
}
