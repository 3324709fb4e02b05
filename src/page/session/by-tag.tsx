/** A session by the values of one of its tags: which agent, sub-agent or skill its cost went to. */
import { navigate } from "../address.ts";
import { formatCount } from "../figures.ts";
import { groupName } from "../groups.ts";
import { ledger, read, type Schemas, useAnswer } from "../ledger.ts";
import { shareOf } from "../money.ts";
import { ProblemMessage } from "../parts/message.tsx";
import { Money } from "../parts/money.tsx";
import { Skeleton } from "../parts/skeleton.tsx";
import { type Column, Table } from "../parts/table.tsx";
import { addressOf } from "../route.ts";
import { dividingTags, type Part, partsOf, tagName, tagTitle } from "./by-tag.ts";
import type { SessionRange } from "./page.ts";

type Session = Schemas["Session"];

/** The API names ten values at most. */
const MOST = 10;

interface ByTagProps {
  session: Session;
  range: SessionRange;
  query: URLSearchParams;
}

export function ByTag({ session, range, query }: ByTagProps) {
  const tags = dividingTags(session);
  const asked = query.get("group_by")?.replace(/^tag\./, "");
  const tag = asked !== undefined && tags.includes(asked) ? asked : tags[0];
  if (tag === undefined) return null;
  const choose = (next: string): void => {
    const to = new URLSearchParams(query);
    to.set("group_by", `tag.${next}`);
    navigate(`${location.pathname}?${to.toString()}`);
  };
  return (
    <section class="card" aria-labelledby="session-by-tag">
      <h2 id="session-by-tag">
        By <bdi>{tagName(tag)}</bdi>
      </h2>
      {tags.length > 1 && (
        <div class="choice" role="group" aria-label="Tag">
          {tags.map((one) => (
            <button key={one} type="button" aria-pressed={one === tag} onClick={() => choose(one)}>
              <bdi>{tagTitle(one)}</bdi>
            </button>
          ))}
        </div>
      )}
      <Parts session={session} range={range} tag={tag} />
    </section>
  );
}

function Parts({ session, range, tag }: { session: Session; range: SessionRange; tag: string }) {
  const { session_id: id, requests, cost_usd: cost } = session;
  const values = session.tags[tag]!;
  const { data, problem, retry } = useAnswer(
    `session by tag ${JSON.stringify([id, range, tag, values, requests, cost])}`,
    async (signal) => {
      const found = await Promise.all(
        values.map(async (value) => {
          const query = { ...range, session_id: [id], tags: { [`tag.${tag}`]: [value] } };
          const { sessions } = await read(ledger.GET("/v1/sessions", { params: { query }, signal }));
          return sessions.map((one) => [value, one] as const);
        }),
      );
      return { tag, parts: partsOf(session, found.flat()) };
    },
  );
  const shown = data?.tag === tag ? data.parts : null;
  if (shown === null && problem === null) return <Skeleton rows={values.length + 2} label="Adding up" />;
  return (
    <>
      <ProblemMessage problem={problem} retry={retry} />
      {shown !== null && (
        <Table
          caption={`Cost by ${tagName(tag)}`}
          rows={shown}
          columns={columnsOf(session, range, tag)}
          keyOf={({ value }) => value ?? ""}
        />
      )}
    </>
  );
}

function columnsOf(session: Session, range: SessionRange, tag: string): Column<Part>[] {
  const rest = session.tags[tag]!.length < MOST ? "(none)" : "(other, or none)";
  return [
    {
      key: "value",
      title: tagTitle(tag),
      total: "Total",
      render: ({ value }) =>
        value === null ? (
          <span class="muted">{rest}</span>
        ) : (
          <a href={addressOf("calls", { ...range, session_id: session.session_id, [`tag.${tag}`]: value })}>
            <bdi>{groupName(value)}</bdi>
          </a>
        ),
    },
    {
      key: "cost",
      title: "Cost",
      isFigure: true,
      render: ({ costUsd }) => <Money usd={costUsd} />,
      total: <Money usd={session.cost_usd} />,
    },
    {
      key: "requests",
      title: "Calls",
      isFigure: true,
      render: ({ requests }) => formatCount(requests),
      total: formatCount(session.requests),
    },
    {
      key: "share",
      title: "Share",
      isFigure: true,
      render: ({ costUsd }) => shareOf(costUsd, session.cost_usd) ?? "\u2013",
    },
  ];
}
