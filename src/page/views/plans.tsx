/** `/plans`: plans that pay for calls, and whether each seat is worth its price. */
import { Frame } from "../agents/frame.tsx";
import { NewPlan } from "../agents/new-plan.tsx";
import { type Plan, PlanCard } from "../agents/plan-card.tsx";
import { answeredAt } from "../calls/use-list.ts";
import { ledger, read, useAnswer } from "../ledger.ts";
import { rangeOf } from "../range.ts";
import { isAdmin, signedIn } from "../session.ts";
import { useStore } from "../store.ts";
import type { ViewProps } from "../views.ts";
import "../settings/settings.css";

export default function Plans({ query }: ViewProps) {
  const now = useStore(signedIn);
  const mayWrite = now.state === "in" && isAdmin(now.session);
  const range = rangeOf(query, Date.now(), "30d");
  const answer = useAnswer("plans", async (signal) => {
    const plans: Plan[] = [];
    for (let cursor: string | null = null; ;) {
      const sent = ledger.GET("/v1/plans", { params: { query: cursor === null ? {} : { cursor } }, signal });
      const page: { plans: Plan[]; next_cursor: string | null } = await read(sent);
      plans.push(...page.plans);
      cursor = page.next_cursor;
      if (cursor === null) return { plans, at: answeredAt((await sent).response) };
    }
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
      {({ plans }) =>
        plans.map((plan) => (
          <PlanCard key={plan.id} plan={plan} range={range} mayWrite={mayWrite} onGone={answer.retry} />
        ))
      }
    </Frame>
  );
}
