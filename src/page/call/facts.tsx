/** Who made a call, what it was, and when. What callers sent is text. */
import type { ComponentChildren } from "preact";
import { formatCount, formatDuration, formatTime } from "../figures.ts";
import { addressOf } from "../route.ts";
import { sessionAddress } from "../session/session.ts";
import { type Call, countsOf, idsOf } from "./call.ts";
import { CopyButton } from "../parts/copy-button.tsx";
import { Fact } from "./origin.tsx";

export function Facts({ call, zone }: { call: Call; zone: string }) {
  const tags = Object.entries(call.tags);
  const counts = countsOf(call);
  return (
    <>
      <h2>Who, what, when</h2>
      <dl class="call-facts">
        <Fact name="Application">
          <Others call={call} by="application" />
        </Fact>
        <Fact name="Environment">
          <Others call={call} by="environment" />
        </Fact>
        {call.user_id !== null && (
          <Fact name="User">
            <a href={addressOf("calls", { user: call.user_id, ...around(call) })}>
              <bdi>{call.user_id}</bdi>
            </a>
          </Fact>
        )}
        {call.session_id !== null && (
          <Fact name="Session">
            <a href={sessionAddress(call.session_id, Date.parse(call.timestamp))}>
              <bdi>{call.session_id}</bdi>
            </a>
          </Fact>
        )}
        <Fact name="Provider">
          <Others call={call} by="provider" />
          <Asked text={call.request_provider} />
        </Fact>
        <Fact name="Model">
          <Others call={call} by="model" />
          <Asked text={call.request_model === call.model ? null : call.request_model} />
        </Fact>
        <Fact name="Operation">
          <Others call={call} by="operation" />
        </Fact>
        {call.service_tier !== null && (
          <Fact name="Service tier">
            <bdi>{call.service_tier}</bdi>
          </Fact>
        )}
        <Fact name="Status">
          {call.status === "ok" ? "OK" : "Failed"}
          {call.error_type !== null && (
            <>
              : <bdi>{call.error_type}</bdi>
            </>
          )}
        </Fact>
        <Fact name="Started">
          <Time at={call.timestamp} zone={zone} />
        </Fact>
        <Fact name="Took">{formatDuration(call.duration_ms)}</Fact>
        <Fact name="Received">
          <Time at={call.received_at} zone={zone} />
        </Fact>
        {tags.map(([key, value]) => (
          <Fact key={key} name={`Tag ${key}`}>
            <a href={addressOf("calls", { [`tag.${key}`]: value, ...around(call) })}>
              <bdi>{value === "" ? "(empty)" : value}</bdi>
            </a>
          </Fact>
        ))}
      </dl>
      <details class="call-more" open>
        <summary>Ids</summary>
        <dl class="call-facts ids">
          {idsOf(call).map(({ name, id }) => (
            <Fact key={name} name={name}>
              <span class="call-id">
                <code>{id}</code> <CopyButton text={id} what={name} />
              </span>
            </Fact>
          ))}
        </dl>
      </details>
      <details class="call-more">
        <summary>Counts as stored</summary>
        {counts.length === 0 ? (
          <p>None was sent.</p>
        ) : (
          <dl class="call-facts">
            {counts.map(([name, count]) => (
              <Fact key={name} name={name}>
                {formatCount(count)}
              </Fact>
            ))}
          </dl>
        )}
      </details>
      <details class="call-more">
        <summary>As the API answers</summary>
        <pre class="call-raw" tabIndex={0} role="region" aria-label="The call as JSON">
          {JSON.stringify(call, null, 2)}
        </pre>
        <CopyButton text={JSON.stringify(call, null, 2)} what="the call as JSON" />
      </details>
    </>
  );
}

/** Leads to other calls with the value. */
function Others({ call, by }: { call: Call; by: "application" | "environment" | "provider" | "model" | "operation" }) {
  return (
    <a href={addressOf("calls", { [by]: call[by], ...around(call) })}>
      <bdi>{call[by]}</bdi>
    </a>
  );
}

/** What was asked for, where another answered. */
function Asked({ text }: { text: string | null }): ComponentChildren {
  if (text === null) return null;
  return (
    <small>
      sent as <bdi>{text}</bdi>
    </small>
  );
}

function Time({ at, zone }: { at: string; zone: string }) {
  const ms = Date.parse(at);
  return (
    <time dateTime={at}>
      {formatTime(ms, zone)}.{String(ms % 1_000).padStart(3, "0")}
    </time>
  );
}

const DAY_MS = 86_400_000;

/** The UTC day of a call. */
function around({ timestamp }: Call): { from: string; to: string } {
  const day = Math.floor(Date.parse(timestamp) / DAY_MS) * DAY_MS;
  return { from: new Date(day).toISOString(), to: new Date(day + DAY_MS).toISOString() };
}
