/** `npm run db:report`, from its flags to its last line. */
import { connect, DatabaseUnavailable } from "../../src/db/client.ts";
import { readDatabase } from "../../src/insight/report.ts";
import { dataDir, devDatabaseUrl } from "../client/server.ts";
import { CommandError, type Main } from "../command.ts";
import { parseReportArgs } from "./options.ts";
import { reportText } from "./text.ts";

export const main: Main = async (args) => {
  const { database, diskBytes, json } = parseReportArgs(args);
  const url = database ?? (await devDatabaseUrl(dataDir(process.env)));
  if (url === undefined)
    throw new CommandError('No database: start "npm run dev", or give --database (or DATABASE_URL).');
  const report = await readDatabase(connect({ driver: "postgres", url }), Date.now(), diskBytes).catch(
    (error: unknown) => {
      if (!(error instanceof DatabaseUnavailable)) throw error;
      throw new CommandError(`The database does not answer: ${(error.cause as Error).message}`);
    },
  );
  console.log(json ? JSON.stringify(report, null, 2) : reportText(report));
};
