/** Takes a user off the dead letters of a project, or the user's calls out of them. An empty letter is deleted. */
import { sql } from "drizzle-orm";
import type { Database } from "../db/client.ts";
import { packMessages, readMessage } from "../queue/message.ts";
import type { Erasure } from "./erasure.ts";
import { withoutUser } from "./named.ts";

/** A letter has up to 128 KB. */
const STEP = 20;

/** Erases the user from the letters after the cursor. */
export async function eraseFromDeadLetters(
  db: Database,
  { projectId, id: erasure, userId, mode, cursor }: Erasure,
  limit = STEP,
): Promise<{ cursor: string | null; changed: boolean }> {
  const letters = await db.query(sql`
    select id, body from dead_letters
    where project_id = ${projectId}::uuid and id > ${cursor ?? ""} and position(${JSON.stringify(userId)}::text in body) > 0
    order by id limit ${limit}`);
  for (const { id, body } of letters) {
    const rest = without(String(body), userId, mode);
    // A replay may have changed the letter meanwhile. The second pass finds it again.
    const letter = sql`project_id = ${projectId}::uuid and id = ${String(id)} and md5(body) = md5(${String(body)}::text)`;
    const changed =
      rest === null
        ? sql`delete from dead_letters where ${letter} returning id`
        : sql`update dead_letters set body = ${rest} where ${letter} returning id`;
    await db.query(sql`
      with changed as (${changed})
      update erasures set dead_letters = dead_letters + (select count(*) from changed)
      where project_id = ${projectId}::uuid and id = ${erasure}::uuid`);
  }
  return { cursor: letters.length < limit ? null : String(letters.at(-1)!["id"]), changed: false };
}

/** The message without the user. Null if nothing is left of it. */
function without(body: string, userId: string, mode: Erasure["mode"]): string | null {
  const { projectId, batch } = readMessage(body);
  const calls = batch.calls
    .filter(({ call }) => mode === "anonymise" || call.userId !== userId)
    .map(({ call, cost }) => ({ call: withoutUser(call, userId), cost }));
  const links = batch.links.map((link) => withoutUser(link, userId));
  return packMessages(projectId, { calls, links }, Infinity).messages[0] ?? null;
}
