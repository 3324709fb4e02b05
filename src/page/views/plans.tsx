/** `/plans`: plans that pay for calls, and whether each seat is worth its price. */
import { Frame, Pages } from "../agents/frame.tsx";
import { NewPlan } from "../agents/new-plan.tsx";
import { PlanCard } from "../agents/plan-card.tsx";
import { answeredAt } from "../calls/use-list.ts";
import { ledger, read, useAnswer } from "../ledger.ts";
import { rangeOf } from "../range.ts";
import { isAdmin, signedIn } from "../session.ts";
import { useStore } from "../store.ts";
import type { ViewProps } from "../views.ts";
import "../settings/settings.css";

/** What each was used is a question of its own. */
const PAGE = 20;

export default function Plans({ query }: ViewProps) {
  const now = useStore(signedIn);
  const mayWrite = now.state === "in" && isAdmin(now.session);
  const range = rangeOf(query, Date.now(), "30d");
  const cursor = query.get("cursor");
  const answer = useAnswer(`plans ${cursor}`, async (signal) => {
    const asked = { limit: PAGE, ...(cursor !== null && { cursor }) };
    const sent = ledger.GET("/v1/plans", { params: { query: asked }, signal });
    return { ...(await read(sent)), at: answeredAt((await sent).response) };
  });
  return (
    <Frame
      of="plans"
      query={query}
      range={range}
      answer={answer}
      about="A plan changes no cost. What its people used is set against the price of their seats, over the whole billing periods that touch the range."
      choice={mayWrite && <NewPlan onMade={answer.retry} />}
      nothing={({ plans }) => (plans.length === 0 ? "There are no plans" : null)}
      way={mayWrite ? "Add one above, with the people who have its seats." : "A key of scope admin may add one."}
    >
      {({ plans, next_cursor: next }) => (
        <>
          {plans.map((plan) => (
            <PlanCard key={plan.id} plan={plan} range={range} mayWrite={mayWrite} onGone={answer.retry} />
          ))}
          <Pages of="plans" query={query} next={next} names={["The latest", "Earlier ones"]} />
        </>
      )}
    </Frame>
  );
}
