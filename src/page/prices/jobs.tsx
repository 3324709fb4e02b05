/** Jobs that restate past costs: how far each is, what it has changed, and a way to stop it. */
import { useState } from "preact/hooks";
import { formatCount, formatTime } from "../figures.ts";
import { type Loaded, ledger } from "../ledger.ts";
import { Difference } from "../parts/money.tsx";
import { ProblemMessage } from "../parts/message.tsx";
import { Skeleton } from "../parts/skeleton.tsx";
import { type Job, isOpen, progressOf } from "./changes.ts";
import { send } from "./saving.ts";
import { scopeName, STATE_SIGNS, stateName } from "./words.ts";

interface JobProps {
  job: Job;
  zone: string;
  /** How many calls it looks at; null: not known. */
  total: number | null;
  mayCancel: boolean;
  refresh: () => void;
}

export function JobProgress({ job, zone, total, mayCancel, refresh }: JobProps) {
  const [state, setState] = useState<{ busy: boolean; wrong: string | null }>({ busy: false, wrong: null });
  const cancel = async (): Promise<void> => {
    setState({ busy: true, wrong: null });
    const { problem } = await send(ledger.DELETE("/v1/reprice/{id}", { params: { path: { id: job.id } } }));
    setState({ busy: false, wrong: problem && `It is not known to be cancelled. ${problem.sentence}` });
    refresh();
  };
  const progress = progressOf(job, total);
  const name = scopeName(job);
  return (
    <div class="prices-job" data-job={job.id} data-status={job.status}>
      <p>
        <span class={`prices-state ${job.status}`}>
          <span aria-hidden="true">{STATE_SIGNS[job.status]}</span> {stateName(job)}
        </span>{" "}
        <bdi class="prices-name">{name}</bdi>
      </p>
      {isOpen(job) && (
        <progress aria-label={`Progress: ${name}`} {...(progress === null ? {} : { max: 1, value: progress })} />
      )}
      <p role="status">
        {formatCount(job.looked)}
        {total !== null && job.looked <= total && ` of about ${formatCount(total)}`} calls looked at,{" "}
        {formatCount(job.restated)} restated: <Difference usd={job.difference_usd} />
      </p>
      {job.out_of_range > 0 && <p>{formatCount(job.out_of_range)} calls keep their cost: the new one is too large.</p>}
      {job.status === "failed" && (
        <p>
          A step failed ({job.error}).{" "}
          {job.retry_at !== null && `It is tried again at ${formatTime(Date.parse(job.retry_at), zone)}.`} Nothing is
          lost.
        </p>
      )}
      <p class="muted">
        Calls from {formatTime(Date.parse(job.from), zone)} to {formatTime(Date.parse(job.to), zone)}, begun{" "}
        {formatTime(Date.parse(job.created_at), zone)}
        {mayCancel && isOpen(job) && (
          <>
            {" "}
            <button type="button" class="quiet" disabled={state.busy} onClick={() => void cancel()}>
              {state.busy ? "Cancelling \u2026" : "Cancel"}
            </button>
          </>
        )}
      </p>
      {state.wrong !== null && <p role="alert">{state.wrong}</p>}
    </div>
  );
}

interface JobsProps {
  answer: Loaded<{ jobs: Job[] }>;
  zone: string;
  totalOf: (job: Job) => number | null;
  mayCancel: boolean;
}

const FIRST = 5;

export function Jobs({ answer: { data, problem, retry }, zone, totalOf, mayCancel }: JobsProps) {
  const [isLong, setLong] = useState(false);
  const jobs = data?.jobs ?? [];
  return (
    <section class="card prices-jobs">
      <h2>Restating past costs</h2>
      <ProblemMessage problem={problem} retry={retry} />
      {!data && problem === null && <Skeleton rows={3} label="Loading jobs" />}
      {data && jobs.length === 0 && <p class="muted">No past cost has been restated yet.</p>}
      <ul>
        {(isLong ? jobs : jobs.slice(0, FIRST)).map((job) => (
          <li key={job.id}>
            <JobProgress job={job} zone={zone} total={totalOf(job)} mayCancel={mayCancel} refresh={retry} />
          </li>
        ))}
      </ul>
      {jobs.length > FIRST && !isLong && (
        <button type="button" class="quiet" onClick={() => setLong(true)}>
          Show {jobs.length - FIRST} earlier ones
        </button>
      )}
    </section>
  );
}
