/** The state of the deployment: its version, what is kept how long, and what cron last did. */
import { formatDuration } from "../figures.ts";
import { ledger, read, type Schemas, useAnswer } from "../ledger.ts";
import { Message, ProblemMessage } from "../parts/message.tsx";
import { Difference } from "../parts/money.tsx";
import { Skeleton } from "../parts/skeleton.tsx";
import { Table } from "../parts/table.tsx";
import { lastRunFailed } from "./cron.ts";
import { When } from "./when.tsx";

type State = Schemas["State"];

const EVERY_MS = 15_000;

export function System() {
  const { data, problem, retry } = useAnswer(
    "state",
    (signal) => read(ledger.GET("/v1/admin/state", { signal })),
    EVERY_MS,
  );
  return (
    <>
      <ProblemMessage problem={problem} retry={retry} />
      {!data && problem === null && <Skeleton rows={8} label="Loading the state" />}
      {data && <Figures state={data} />}
      {data && <Retention state={data} />}
      {data && <Cron runs={data.last_cron} />}
    </>
  );
}

function Figures({ state: { version, ingest_mode, rollup_lag_seconds: lag, snapshot_at, audit } }: { state: State }) {
  return (
    <dl class="figures" aria-label="State">
      <div>
        <dt>Version</dt>
        <dd>{version}</dd>
      </div>
      <div>
        <dt>Calls are stored</dt>
        <dd>{ingest_mode === "direct" ? "at once" : "through the queue"}</dd>
      </div>
      <div>
        <dt>Rollup lag</dt>
        <dd>{lag === null ? "unknown" : lag === 0 ? "none" : formatDuration(lag * 1_000)}</dd>
      </div>
      <div>
        <dt>Audit of all projects</dt>
        <dd>
          {audit === null ? (
            "not yet"
          ) : audit.different_days === 0 ? (
            "0 differences"
          ) : (
            <>
              {audit.different_days} {audit.different_days === 1 ? "project differs" : "projects differ"} by{" "}
              <Difference usd={audit.difference_usd} />
            </>
          )}
        </dd>
        {audit && (
          <dd class="settings-small">
            <When at={audit.at} none="" />
          </dd>
        )}
      </div>
      <div>
        <dt>Cron looked at the database</dt>
        <dd class="settings-small">
          <When at={snapshot_at} none="not known" />
        </dd>
      </div>
    </dl>
  );
}

function Retention({ state }: { state: State }) {
  const { raw_retention_days: raw, hour_retention_days: hours, raw_since, hour_since } = state;
  return (
    <section class="card" aria-labelledby="retention-title">
      <h2 id="retention-title">Retention</h2>
      <p>
        Calls are kept {raw === null ? "for ever" : `for at least ${raw} days`}
        {raw_since !== null && (
          <>
            {" "}
            and are there from <When at={raw_since} none="" /> on
          </>
        )}
        . Hourly sums are kept {hours === null ? "for ever" : `for at least ${hours} days`}
        {hour_since !== null && (
          <>
            {" "}
            and are there from <When at={hour_since} none="" /> on
          </>
        )}
        . Sums of days, and costs with them, are never deleted for their age.
      </p>
      <p class="muted">
        The deployment’s variables RAW_RETENTION_DAYS and HOUR_RETENTION_DAYS decide it; the page does not change them.
      </p>
    </section>
  );
}

function Cron({ runs }: { runs: Readonly<Record<string, string>> }) {
  const stages = Object.entries(runs).sort(([a], [b]) => a.localeCompare(b));
  return (
    <section class="card" aria-labelledby="cron-title">
      <h2 id="cron-title">Last success of cron, by stage</h2>
      {stages.length === 0 && <p class="muted">It is not known: cron has not run yet, or Redis has lost it.</p>}
      {lastRunFailed(runs) && (
        <Message kind="warning" title="The last run failed in some stage">
          A stage that the last run did not get through has an older time than the others. The Worker’s log has the
          reason; the next run tries again by itself.
        </Message>
      )}
      {stages.length > 0 && (
        <Table
          caption="Stages of cron"
          rows={stages}
          keyOf={([stage]) => stage}
          columns={[
            { key: "stage", title: "Stage", render: ([stage]) => (stage === "run" ? "the whole run" : stage) },
            { key: "at", title: "Last success", render: ([, at]) => <When at={at} none="" /> },
          ]}
        />
      )}
    </section>
  );
}
