/** The reports that are this one call: what joined them, which of them counts and why, and what the others added. */
import { formatTime } from "../figures.ts";
import { addressOf } from "../route.ts";
import type { Call } from "./call.ts";
import { decidedBy, fieldWords, readBy } from "./words.ts";

export function Reports({ call, zone }: { call: Call; zone: string }) {
  const { reports, filled } = call;
  if (reports.length < 2) return null;
  const numberOf = (id: string): number => reports.findIndex((report) => report.id === id) + 1;
  return (
    <section class="card" aria-labelledby="call-reports">
      <h2 id="call-reports">{reports.length} reports of this call</h2>
      <p>They share ids, so they are one call, and it is counted once: by the report that tells most.</p>
      <ol class="call-reports">
        {reports.map((report) => (
          <li key={report.id} data-report={report.id} data-counts={report.counts}>
            <p>
              <strong>
                <span aria-hidden="true">{report.counts ? "\u2713" : "\u2715"}</span>{" "}
                {report.counts ? "Counts" : "Does not count"}.
              </strong>{" "}
              {readBy(report.rule)}{" "}
              {report.id === call.id ? (
                <span class="call-here">shown here</span>
              ) : (
                <a href={addressOf("call", {}, report.id)}>Its receipt</a>
              )}
            </p>
            {report.decided_by !== null && <p>{decidedBy(report.decided_by)}</p>}
            <p class="muted">
              By <bdi>{report.application}</bdi>, of a call at {formatTime(Date.parse(report.timestamp), zone)},
              received at {formatTime(Date.parse(report.received_at), zone)}.
            </p>
            <p class="muted">
              {report.joined_by.length === 0 ? "It shares no id by itself." : "Joined by "}
              {report.joined_by.map((id) => (
                <code key={id}>{id}</code>
              ))}
            </p>
          </li>
        ))}
      </ol>
      {Object.keys(filled).length > 0 && (
        <p>
          The report that counts lacks some fields, which are shown from another:{" "}
          {Object.entries(filled).map(([field, id], place) => (
            <span key={field} data-filled={field}>
              {place > 0 && ", "}
              <bdi>{fieldWords(field)}</bdi> from <a href={addressOf("call", {}, id)}>report {numberOf(id)}</a>
            </span>
          ))}
          . Sums by these fields do not know them.
        </p>
      )}
    </section>
  );
}
