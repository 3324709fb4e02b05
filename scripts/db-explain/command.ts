/** `npm run db:explain`, from its flags to its last line. */
import { dataDir, devDatabaseUrl } from "../client/server.ts";
import { CommandError, type Main } from "../command.ts";
import { explain } from "./explain.ts";
import { parseExplainArgs } from "./options.ts";

const BODY_CHARS = 1_000;

export const main: Main = async (args) => {
  const { path, project, json = false, database } = parseExplainArgs(args);
  const databaseUrl = database ?? (await devDatabaseUrl(dataDir(process.env)));
  if (databaseUrl === undefined)
    throw new CommandError('No database: start "npm run dev", or give --database (or DATABASE_URL).');
  const { status, body, statements } = await explain({
    databaseUrl,
    projectId: project,
    path,
    nowMs: Date.now(),
    json,
  });
  if (json) {
    console.log(JSON.stringify({ path, status, statements }, null, 2));
  } else {
    for (const [i, { text, plan }] of statements.entries()) {
      console.log(`Statement ${i + 1} of ${statements.length}:\n${text.trim()}\n\n${String(plan)}\n`);
    }
    console.log(`GET ${path} is ${status}, with ${statements.length} statements.`);
  }
  if (status < 400) return 0;
  console.error(body.slice(0, BODY_CHARS));
  return 1;
};
