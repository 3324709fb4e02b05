/** `npm run page`: the types of the API, a check of the page against them, and the page's files. */
import { spawnSync } from "node:child_process";
import { CommandError, type Main } from "../command.ts";
import { buildPage, isFresh } from "./build.ts";
import { writeApiTypes } from "./types.ts";

const CHECK = ["node_modules/typescript/bin/tsc", "-p", "src/page"];

export const main: Main = async ([what = "build"]) => {
  if (what !== "build" && what !== "types") throw new CommandError(`"${what}" is neither "build" nor "types".`);
  await writeApiTypes();
  if (what === "types") return;
  if (spawnSync(process.execPath, CHECK, { stdio: "inherit" }).status !== 0) {
    throw new CommandError("The page does not fit the API: see above.");
  }
  if (await isFresh()) return;
  console.log(`The page: ${await buildPage()}`);
};
