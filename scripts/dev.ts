/** `npm run dev`: the whole product on this machine. */
import { runCommand } from "./command.ts";

runCommand(async () => {
  const { mainWith } = await import("./local/command.ts");
  const { demoLoader } = await import("./dev/load-demo.ts");
  return { main: mainWith(demoLoader) };
});
