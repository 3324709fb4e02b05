/** V8's inspector of an isolate in workerd, as DevTools speak to it. */

export interface Inspector {
  /** @throws Error with the inspector's words if it refuses. */
  send<T>(method: string, params?: object): Promise<T>;
  /** Hears about an event until the inspector is closed. */
  on<T>(event: string, listener: (params: T) => void): void;
  close(): void;
}

interface Message {
  id?: number;
  method?: string;
  params?: unknown;
  result?: unknown;
  error?: { message: string };
}

/** @param port at which workerd was told to listen for it. */
export async function inspect(port: number): Promise<Inspector> {
  const [target] = (await (await fetch(`http://127.0.0.1:${port}/json`)).json()) as { webSocketDebuggerUrl: string }[];
  const socket = new WebSocket(target!.webSocketDebuggerUrl);
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve);
    socket.addEventListener("error", () => reject(new Error("the inspector does not answer")));
  });
  const waiting = new Map<number, PromiseWithResolvers<never>>();
  const listeners = new Map<string, ((params: never) => void)[]>();
  socket.addEventListener("message", ({ data }) => {
    const { id, method = "", params, result, error } = JSON.parse(String(data)) as Message;
    if (id === undefined) return void listeners.get(method)?.forEach((listener) => listener(params as never));
    if (error) waiting.get(id)?.reject(new Error(`the inspector refuses: ${error.message}`));
    else waiting.get(id)?.resolve((result ?? {}) as never);
    waiting.delete(id);
  });
  socket.addEventListener("close", () => {
    for (const { reject } of waiting.values()) reject(new Error("the inspector has gone"));
    waiting.clear();
  });
  let lastId = 0;
  return {
    send(method, params = {}) {
      const answer = Promise.withResolvers<never>();
      waiting.set(++lastId, answer);
      socket.send(JSON.stringify({ id: lastId, method, params }));
      return answer.promise;
    },
    on(event, listener) {
      listeners.set(event, [...(listeners.get(event) ?? []), listener]);
    },
    close: () => socket.close(),
  };
}
