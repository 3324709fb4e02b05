/** `/prices`: what has no price, what a price would change, custom prices, and where others report another cost. */
import { useEffect, useMemo, useState } from "preact/hooks";
import { navigate } from "../address.ts";
import { ledger, read, type Schemas, useAnswer } from "../ledger.ts";
import { AsOf } from "../parts/as-of.tsx";
import { Message } from "../parts/message.tsx";
import { RangeControl } from "../parts/range-control.tsx";
import { Skeleton } from "../parts/skeleton.tsx";
import { isOpen } from "../prices/changes.ts";
import { Differences, UnknownMembers } from "../prices/checks.tsx";
import { Custom } from "../prices/custom.tsx";
import { draftOf, type Price, successorOf } from "../prices/draft.ts";
import { PriceForm } from "../prices/form.tsx";
import { Jobs } from "../prices/jobs.tsx";
import { forgetForm, formOf, hasForm, saves, totalOf } from "../prices/saving.ts";
import { Unpriced } from "../prices/unpriced.tsx";
import "../prices/prices.css";
import { rangeOf, withoutWrong } from "../range.ts";
import { chosenProject, isAdmin, type PageSession, signedIn } from "../session.ts";
import { useStore } from "../store.ts";
import type { ViewProps } from "../views.ts";
import { iso } from "../zone.ts";

const WORKING_MS = 1_000;
const RESTING_MS = 15_000;
/** The ledger has no calls from before. */
const EARLIEST = "2020-01-01";
/** What the form is for; the rest of the address is the range. */
const FORM = ["price", "replace", "provider", "model", "service_tier", "starts_at"];

export default function Prices({ query }: ViewProps) {
  const now = useStore(signedIn);
  const saved = useStore(saves);
  const nowMs = Date.now();
  const range = rangeOf(query, Math.floor(nowMs / 60_000) * 60_000, "30d");
  const session = now.state === "in" ? now.session : now.state === "out" ? now.last : null;
  const mayWrite = session !== null && isAdmin(session);

  const jobs = useJobs(saved);
  // The latest end of a job: until then costs were others.
  const settled =
    jobs.data?.jobs
      .map((job) => job.done_at ?? job.cancelled_at ?? "")
      .toSorted()
      .at(-1) ?? "";
  const version = `${saved} ${settled}`;
  const asked = { from: iso(range.from), to: iso(range.to) };
  const unpriced = useAnswer(
    `unpriced ${version} ${JSON.stringify(asked)}`,
    (signal) => read(ledger.GET("/v1/prices/unpriced", { params: { query: asked }, signal })),
    RESTING_MS,
  );
  // These answers do not say when they were given.
  const at = useMemo(() => new Date().toISOString(), [unpriced.data]);
  const prices = useAnswer(`prices ${saved}`, (signal) => read(ledger.GET("/v1/prices", { signal })), 4 * RESTING_MS);

  const isThere = [unpriced, prices, jobs].every(({ data, problem }) => data !== null || problem !== null);
  const kept = [...query].filter(([name]) => !FORM.includes(name));
  const here = (form: Record<string, string>): string =>
    `/prices?${new URLSearchParams([...kept, ...Object.entries(form)]).toString()}`;
  const isNew = !FORM.some((name) => query.has(name));
  return (
    <>
      <div class="title">
        <h1>Prices</h1>
        <AsOf at={unpriced.data ? at : undefined} zone={range.zone} isStale={unpriced.isStale} held={unpriced.held} />
      </div>
      <div class="prices-bar">
        <RangeControl query={query} range={range} />
        {mayWrite && isNew && (
          <a class="prices-button" href={here({ price: "new" })}>
            Add a price
          </a>
        )}
      </div>
      {range.wrong !== null && (
        <Message kind="warning" title={range.wrong}>
          <a href={`/prices?${withoutWrong(query, nowMs).toString()}`}>Leave that out</a>.
        </Message>
      )}
      {!isNew && !mayWrite && (
        <Message kind="note" title="Your key may not add prices">
          Sign in with a key of scope admin to set one. <a href="/prices">See the prices</a>.
        </Message>
      )}
      {!isNew && mayWrite && (
        <OpenForm
          session={session}
          query={query}
          prices={prices.data?.prices ?? (prices.problem ? [] : null)}
          zone={range.zone}
          jobs={jobs.data?.jobs ?? []}
          refresh={jobs.retry}
          closed={`/prices${kept.length > 0 ? `?${new URLSearchParams(kept).toString()}` : ""}`}
        />
      )}
      {!isThere && <Skeleton rows={12} label="Loading prices" />}
      {/* Hidden, all of it asks at once; shown at once, nothing moves. */}
      <div hidden={!isThere}>
        <Unpriced
          answer={unpriced}
          hrefOf={
            mayWrite
              ? ({ provider, model, service_tier: tier }) =>
                  here({ provider, model, ...(tier !== null && { service_tier: tier }) })
              : null
          }
        />
        <Custom answer={prices} nowMs={nowMs} hrefOf={mayWrite ? ({ id }) => here({ replace: id }) : null} />
        <div class="prices-columns">
          <Differences range={range} version={version} />
          <Jobs answer={jobs} zone={range.zone} totalOf={totalOf} mayCancel={mayWrite} />
        </div>
        <UnknownMembers range={range} />
      </div>
    </>
  );
}

/** Often while a job is at work. */
function useJobs(saved: number) {
  const ask = (signal: AbortSignal) => read(ledger.GET("/v1/reprice", { signal }));
  const [everyMs, setEveryMs] = useState(RESTING_MS);
  const jobs = useAnswer(`jobs ${saved}`, ask, everyMs);
  const isWorking = jobs.data?.jobs.some(isOpen) === true;
  useEffect(() => setEveryMs(isWorking ? WORKING_MS : RESTING_MS), [isWorking]);
  return jobs;
}

interface OpenFormProps {
  session: PageSession;
  query: URLSearchParams;
  /** Null: on their way. */
  prices: readonly Price[] | null;
  zone: string;
  jobs: readonly Schemas["RepriceJob"][];
  refresh: () => void;
  closed: string;
}

function OpenForm({ session, query, prices, zone, jobs, refresh, closed }: OpenFormProps) {
  const project = session.project?.id ?? chosenProject.get() ?? "";
  const name = JSON.stringify([project, ...FORM.map((one) => query.get(one))]);
  const [replace, provider, model] = ["replace", "provider", "model"].map((one) => query.get(one));
  // The range may begin after the first call without a price.
  const { data, problem } = useAnswer("unpriced ever", (signal) =>
    read(ledger.GET("/v1/prices/unpriced", { params: { query: { from: EARLIEST } }, signal })),
  );
  const unpriced = data?.models ?? (problem ? [] : null);
  const today = new Date().toISOString().slice(0, 10);
  const isReady = hasForm(name) || (replace === null ? unpriced !== null : prices !== null);
  if (!isReady) return <Skeleton rows={8} label="Loading the form" />;
  const before = prices?.find(({ id }) => id === replace);
  if (replace && !before && !hasForm(name))
    return (
      <Message kind="empty" title="There is no such price">
        It may be of another project. <a href={closed}>See the prices</a>.
      </Message>
    );
  const first = unpriced?.find((one) => one.model === model && (!provider || one.provider === provider))?.first_day;
  const form = formOf(name, () => (before ? successorOf(before, today) : draftOf(query, first ?? today)));
  return (
    <PriceForm
      key={name}
      form={form}
      title={before ? "Replace a price from a date on" : "Set a price"}
      zone={zone}
      jobs={jobs}
      refresh={refresh}
      close={() => {
        forgetForm(name);
        navigate(closed);
      }}
    />
  );
}
