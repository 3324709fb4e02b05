import { expect, it } from "vitest";
import { fetchCatalogue } from "../../src/catalogue/fetch.ts";
import { serve } from "./server.ts";

it("asks for what has changed only", async () => {
  const url = await serve((request, response) => {
    const known = request.headers["if-none-match"] === '"a"';
    response.writeHead(known ? 304 : 200, { etag: '"a"' }).end(known ? undefined : "[1]");
  });
  expect(await fetchCatalogue(url)).toEqual({ text: "[1]", etag: '"a"' });
  expect(await fetchCatalogue(url, '"a"')).toBe("unchanged");
  expect(await fetchCatalogue(url, '"b"')).toEqual({ text: "[1]", etag: '"a"' });
});

it("reads 8 MB at most of 50, however they are told", async () => {
  let sent = 0;
  const url = await serve((_, response) => {
    const chunk = Buffer.alloc(1_000_000, " ");
    const send = (): void => {
      sent++;
      if (sent > 50) response.end();
      else if (response.write(chunk)) setImmediate(send);
      else response.once("drain", send);
    };
    send();
  });
  expect(await fetchCatalogue(url)).toEqual({ refused: "it has more than 8 MB" });
  expect(sent).toBeLessThan(50);
});

it("waits no longer than told for the first byte, or for the last", async () => {
  const silent = await serve(() => {});
  expect(await fetchCatalogue(silent, null, 100)).toEqual({ refused: "it did not come within 0.1 s" });
  const slow = await serve((_, response) => void response.write("["));
  expect(await fetchCatalogue(slow, null, 100)).toEqual({ refused: "it did not come within 0.1 s" });
});

it("follows redirects to its own server or to https only", async () => {
  const to = (location: string) => serve((_, response) => response.writeHead(302, { location }).end());
  const other = await serve((_, response) => response.end("[]"));
  for (const target of [other, "file:///etc/passwd", "data:,[]"]) {
    expect(await fetchCatalogue(await to(target))).toEqual({ refused: "it redirects to what is not https" });
  }
  const moved = await serve((request, response) => {
    if (request.url === "/data.json") response.writeHead(301, { location: "/moved" }).end();
    else response.end("[1]");
  });
  expect(await fetchCatalogue(moved)).toMatchObject({ text: "[1]" });
  // Nobody speaks TLS there, so it was tried.
  expect(await fetchCatalogue(await to(other.replace("http:", "https:")))).toMatchObject({
    refused: expect.stringContaining("it could not be fetched") as string,
  });
});

it("takes nothing else for a document", async () => {
  const url = await serve((_, response) => response.writeHead(500).end("[]"));
  expect(await fetchCatalogue(url)).toEqual({ refused: "the server answered 500" });
  const bytes = await serve((_, response) => response.end(Buffer.from([0x5b, 0xff, 0x5d])));
  expect(await fetchCatalogue(bytes)).toMatchObject({ refused: expect.stringContaining("could not be") as string });
  const gone = await serve((request) => request.socket.destroy());
  expect(await fetchCatalogue(gone)).toMatchObject({ refused: expect.stringContaining("could not be") as string });
});
