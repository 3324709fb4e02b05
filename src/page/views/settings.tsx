/** `/settings`: projects, keys and the state of the ledger, as far as the key may see them. */
import type { ComponentType } from "preact";
import { Keys } from "../settings/keys.tsx";
import { Audit } from "../settings/audit.tsx";
import { DatabaseSummary } from "../settings/database.tsx";
import { DeadLetters } from "../settings/dead-letters.tsx";
import { Erasures } from "../settings/erasures.tsx";
import { Log } from "../settings/log.tsx";
import { Projects } from "../settings/projects.tsx";
import { System } from "../settings/system.tsx";
import "../settings/settings.css";
import { Message } from "../parts/message.tsx";
import { addressOf } from "../route.ts";
import { signedIn } from "../session.ts";
import { useStore } from "../store.ts";
import type { ViewProps } from "../views.ts";
import { ownZone } from "../zone.ts";

interface Section {
  title: string;
  /** What tells of all projects, or makes keys. */
  needsAdminKey: boolean;
  parts: readonly ComponentType[];
}

const SECTIONS: Readonly<Record<string, Section>> = {
  keys: { title: "Projects and keys", needsAdminKey: true, parts: [Projects, Keys] },
  system: { title: "System", needsAdminKey: true, parts: [System] },
  audit: { title: "Audit", needsAdminKey: false, parts: [Audit] },
  data: { title: "Users and messages", needsAdminKey: false, parts: [Erasures, DeadLetters] },
  database: { title: "Database", needsAdminKey: true, parts: [DatabaseSummary] },
  log: { title: "Admin log", needsAdminKey: true, parts: [Log] },
};

export default function Settings({ query }: ViewProps) {
  const now = useStore(signedIn);
  if (now.state !== "in") return null;
  const allowed = Object.entries(SECTIONS).filter(
    ([, { needsAdminKey }]) => !needsAdminKey || now.session.is_admin_key,
  );
  const asked = query.get("section");
  // An audit reads every call of its days, so it begins only when it is asked for.
  const [name, shown] =
    allowed.find(([name]) => name === asked) ?? allowed.find(([name]) => name !== "audit") ?? allowed[0]!;
  return (
    <div class="settings">
      <div class="title">
        <h1>Settings</h1>
        <p class="as-of">Times in {ownZone()}</p>
      </div>
      <nav class="settings-sections" aria-label="Sections">
        {allowed.map(([section, { title }]) => (
          <a
            key={section}
            href={addressOf("settings", { section })}
            aria-current={section === name ? "true" : undefined}
          >
            {title}
          </a>
        ))}
      </nav>
      {asked !== null && asked !== name && (
        <Message kind="warning" title={`There is no section “${asked}” for you`}>
          Its name may be mistyped, or it needs the deployment’s admin key. This is “{shown.title}” instead.{" "}
          <a href="/settings">Leave the section out</a>.
        </Message>
      )}
      {shown.parts.map((Part, place) => (
        <Part key={place} />
      ))}
    </div>
  );
}
