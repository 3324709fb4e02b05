/** Agents and machines that were seen in the range, but not in its last 24 hours. */
import { formatTime } from "../figures.ts";
import type { Schemas } from "../ledger.ts";
import { Message } from "../parts/message.tsx";
import { nameOf } from "./share.tsx";

export function Silent({ silent, zone }: { silent: readonly Schemas["SilentEmitter"][]; zone: string }) {
  if (silent.length === 0) return null;
  return (
    <Message kind="warning" title="Silent for a day or more">
      {silent.map(({ installation, last_at: at, ...one }) => (
        <span class="agents-silent" key={JSON.stringify([one, installation])}>
          <bdi>{nameOf(one)}</bdi>
          {installation !== null && `, machine ${installation.slice(0, 8)}`}: last seen{" "}
          {formatTime(Date.parse(at), zone)}
        </span>
      ))}
    </Message>
  );
}
