/** Replaces a key by a new one; both work for a while, so that clients change over one by one. */
import { useState } from "preact/hooks";
import { formatTime } from "../figures.ts";
import { ledger } from "../ledger.ts";
import { sent, useIdempotency } from "../write.ts";
import { ownZone } from "../zone.ts";
import { Confirm } from "./confirm.tsx";
import type { ApiKey } from "./key-state.ts";

const OVERLAPS: readonly { seconds: number; title: string }[] = [
  { seconds: 0, title: "not at all: it has leaked" },
  { seconds: 3_600, title: "for an hour" },
  { seconds: 86_400, title: "for a day" },
  { seconds: 7 * 86_400, title: "for a week" },
  { seconds: 30 * 86_400, title: "for 30 days" },
];
const A_DAY = 86_400;

interface RotateKeyProps {
  old: ApiKey;
  onMade: (made: { name: string; text: string; note: string }) => void;
  onClose: () => void;
}

export function RotateKey({ old, onMade, onClose }: RotateKeyProps) {
  const [seconds, setSeconds] = useState(A_DAY);
  const idempotency = useIdempotency();
  return (
    <Confirm
      title="Rotate this key?"
      action="Make the new key"
      onClose={onClose}
      run={async () => {
        const body = { expires_in_seconds: seconds };
        const header = { "Idempotency-Key": idempotency.keyFor(body) };
        const params = { path: { id: old.id }, header };
        const { name, key, replaces } = await sent(ledger.POST("/v1/keys/{id}/rotate", { params, body }));
        const until = formatTime(Date.parse(replaces.expires_at), ownZone());
        const note = seconds === 0 ? "The old one has ended." : `The old one works until ${until}.`;
        onMade({ name, text: key, note });
      }}
    >
      <p>
        A new key takes the place of “<bdi>{old.name}</bdi>”, with the same scopes. Once the old one ends, whatever
        still uses it is refused, and sessions of this page that it signed in end at once.
      </p>
      <label class="settings-field">
        The old key goes on working
        <select value={String(seconds)} onChange={(event) => setSeconds(Number(event.currentTarget.value))}>
          {OVERLAPS.map(({ seconds, title }) => (
            <option key={seconds} value={String(seconds)}>
              {title}
            </option>
          ))}
        </select>
      </label>
    </Confirm>
  );
}
