/** Sessions as rows: the first cell leads to the session. */
import { formatCount, formatTime } from "../figures.ts";
import { fieldName, type FilterField, withFilter } from "../filters.ts";
import { groupName } from "../groups.ts";
import { Money } from "../parts/money.tsx";
import { type Column, Table } from "../parts/table.tsx";
import type { Range } from "../range.ts";
import { PATHS } from "../route.ts";
import { listedTags, tagTitle } from "../session/by-tag.ts";
import { NONE, sessionAddress } from "./call-table.tsx";
import { addressWith } from "./question.ts";
import type { Session } from "./use-list.ts";
import { stretchWords } from "./words.ts";

interface SessionTableProps {
  sessions: readonly Session[];
  query: URLSearchParams;
  range: Range;
}

export function SessionTable({ sessions, query, range }: SessionTableProps) {
  return (
    <Table
      caption="Sessions, the one with the latest call first"
      rows={sessions}
      columns={columnsOf(
        query,
        range,
        sessions.some((session) => listedTags(session).length > 0),
      )}
      keyOf={({ session_id: id }) => id}
    />
  );
}

function columnsOf(query: URLSearchParams, range: Range, hasTags: boolean): Column<Session>[] {
  const link = (field: FilterField, text: string) => (
    <a href={addressWith(PATHS.sessions, withFilter(query, field, text))} title={`Only this ${fieldName(field)}`}>
      <bdi>{groupName(text)}</bdi>
    </a>
  );
  const values = (field: FilterField, texts: readonly string[]) => (
    <ul class="calls-values">
      {texts.map((text) => (
        <li key={text}>{link(field, text)}</li>
      ))}
    </ul>
  );
  return [
    {
      key: "session",
      title: "Session",
      render: ({ session_id: id }) => (
        <a href={sessionAddress(id, range)}>
          <bdi>{groupName(id)}</bdi>
        </a>
      ),
    },
    {
      key: "cost",
      title: "Cost",
      isFigure: true,
      render: ({ cost_usd: usd, unpriced_requests: unpriced, inexact_requests: inexact }) => (
        <>
          <Money usd={usd} />
          {inexact > 0 && <small class="calls-more muted">{formatCount(inexact)} not exact</small>}
          {unpriced > 0 && <small class="calls-more muted">{formatCount(unpriced)} without a price</small>}
        </>
      ),
    },
    {
      key: "requests",
      title: "Calls",
      isFigure: true,
      render: ({ requests, errors }) => (
        <>
          {formatCount(requests)}
          {errors > 0 && <small class="calls-more calls-error">{formatCount(errors)} failed</small>}
        </>
      ),
    },
    { key: "tokens", title: "Tokens", isFigure: true, render: (session) => formatCount(session.total_tokens) },
    {
      key: "last",
      title: "Last call",
      render: ({ last_at: at }) => (
        <time class="calls-time" dateTime={at}>
          {formatTime(Date.parse(at), range.zone)}
        </time>
      ),
    },
    {
      key: "duration",
      title: "First to last call",
      isFigure: true,
      render: ({ first_at: first, last_at: last, requests }) =>
        requests === 1 ? NONE : stretchWords(Date.parse(last) - Date.parse(first)),
    },
    ...(hasTags
      ? [
          {
            key: "tags",
            title: "Agent, code, team",
            render: (session: Session) => (
              <ul class="calls-values calls-sets">
                {listedTags(session).map(([tag, texts]) => (
                  <li key={tag}>
                    <span class="muted">{tagTitle(tag)}:</span>
                    {texts.map((text, place) => (
                      <>
                        {place > 0 ? ", " : " "}
                        {link(`tag.${tag}`, text)}
                      </>
                    ))}
                  </li>
                ))}
              </ul>
            ),
          },
        ]
      : []),
    { key: "users", title: "Users", render: ({ users }) => values("user", users) },
    { key: "applications", title: "Applications", render: ({ applications }) => values("application", applications) },
  ];
}
