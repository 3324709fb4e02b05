/** What `cloudflare:workers` exports in tests: the entry of the Worker itself. */
declare namespace Cloudflare {
  interface GlobalProps {
    mainModule: typeof import("../src/index.ts");
  }
}
