/** The statements that migrating also installs as functions of the database. */
import { READ_CALL } from "./traces/read.ts";
import { INSERT_CALLS } from "./write/insert.ts";

export const ROUTINES = [INSERT_CALLS, READ_CALL];
