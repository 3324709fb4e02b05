/**
 * A price on its way: typed, previewed, saved, and past calls restated. It is kept here and not in the view, so that
 * nothing typed is lost when the view goes or the session ends. Each write has a key that stays the same when it is sent
 * again, so it is done once.
 */
import { ledger, type Schemas } from "../ledger.ts";
import { OFFLINE, type ApiProblem, type Problem, problemOf } from "../problem.ts";
import { signedIn } from "../session.ts";
import { createStore, type Store } from "../store.ts";
import type { DryRun, Job } from "./changes.ts";
import { bodyOf, type Draft, isField, type Price, type PriceBody, type Wrong, wrongOf } from "./draft.ts";
import { isUncertain, previewSentence, restatingSentence, savingSentence } from "./words.ts";

/** Which past calls, as `POST /v1/reprice` takes it. */
export interface Scope {
  from: string;
  to: string;
  provider: string[];
  model: string[];
  unpriced_only: boolean;
}

export interface Preview {
  /** What was previewed: another draft has no preview yet. */
  draft: Draft;
  body: PriceBody;
  /** Null: the price begins later, so no past call has it. */
  scope: Scope | null;
  answer: DryRun | null;
  /** Calls from before are deleted, and keep their cost. */
  since: string | null;
}

export interface Form {
  draft: Draft;
  busy: "previewing" | "saving" | null;
  preview: Preview | null;
  wrong: Wrong | null;
  /** What failed, as a whole. */
  failed: { sentence: string; priceId?: string } | null;
  /** The last write: the same one again has the same key. */
  sent: { text: string; key: string } | null;
  price: Price | null;
  /** That restate past calls, as they were opened. */
  jobs: readonly Job[];
  /** The price is saved, and what should restate past calls did not begin. */
  isHalf: boolean;
}

const forms = new Map<string, Store<Form>>();
/** How many calls a job looks at, as its preview did. */
const totals = new Map<string, number>();
/** Prices saved in this visit: what was asked before is no longer so. */
export const saves = createStore(0);

export function totalOf({ id }: Job): number | null {
  return totals.get(id) ?? null;
}

export function hasForm(name: string): boolean {
  return forms.has(name);
}

/** @param name what the form is for, and the project. */
export function formOf(name: string, start: () => Draft): Store<Form> {
  const known = forms.get(name);
  if (known) return known;
  const form = createStore<Form>({
    draft: start(),
    busy: null,
    preview: null,
    wrong: null,
    failed: null,
    sent: null,
    price: null,
    jobs: [],
    isHalf: false,
  });
  forms.set(name, form);
  return form;
}

export function forgetForm(name: string): void {
  forms.delete(name);
}

// A session that ended by itself goes on later; who signs out leaves nothing behind.
signedIn.follow(() => {
  const now = signedIn.get();
  if (now.state !== "out" || now.last !== null) return;
  forms.clear();
  totals.clear();
});

function change(form: Store<Form>, changes: Partial<Form>): void {
  form.set({ ...form.get(), ...changes });
}

export function type(form: Store<Form>, draft: Partial<Draft>): void {
  change(form, { draft: { ...form.get().draft, ...draft }, wrong: null, failed: null });
}

export function isPreviewed({ preview, draft }: Form): boolean {
  return preview?.draft === draft;
}

/** Asks what the price would restate. Nothing is stored. */
export async function preview(form: Store<Form>, nowMs: number): Promise<void> {
  const { draft, busy } = form.get();
  if (busy !== null) return;
  const read = bodyOf(draft);
  if ("wrong" in read) return change(form, { wrong: read.wrong, failed: null });
  const { body } = read;
  change(form, { busy: "previewing", wrong: null, failed: null });
  let scope = scopeOf(body, draft.past, nowMs);
  let asked = await ask(scope, body);
  let since: string | null = null;
  if (asked.said?.since !== undefined) {
    since = asked.said.since;
    scope = { ...scope, from: since };
    asked = await ask(scope, body);
  }
  const { data, problem, said } = asked;
  if (data) change(form, { busy: null, preview: { draft, body, scope, answer: data, since } });
  else if (said?.parameter === "from" && Date.parse(body.starts_at) > nowMs)
    change(form, { busy: null, preview: { draft, body, scope: null, answer: null, since: null } });
  else change(form, { busy: null, preview: null, ...refused(problem, said, previewSentence(problem)) });
}

async function ask(scope: Scope, price: PriceBody): Promise<Sent<DryRun>> {
  return (await send(
    ledger.POST("/v1/reprice", { body: { ...scope, tz: "UTC", dry_run: true, price } }),
  )) as Sent<DryRun>;
}

/** As far as the names are whole. A pattern may be of any model. */
function scopeOf(body: PriceBody, past: Draft["past"], nowMs: number): Scope {
  const names = [body.model, ...(body.aliases ?? [])];
  return {
    from: body.starts_at,
    to: new Date(nowMs).toISOString(),
    provider: body.provider === undefined ? [] : [body.provider],
    model: names.some((name) => name.includes("*")) ? [] : names,
    unpriced_only: past === "unpriced",
  };
}

/** Saves the price that was previewed, and restates past calls. */
export async function save(form: Store<Form>): Promise<void> {
  const { preview: shown, busy, sent, price } = form.get();
  if (busy !== null || shown === null || !isPreviewed(form.get())) return;
  const text = JSON.stringify(shown.body);
  const key = sent?.text === text ? sent.key : crypto.randomUUID();
  change(form, { busy: "saving", sent: { text, key }, failed: null, wrong: null });
  if (price !== null) return await restate(form, shown, key);
  const header = { "Idempotency-Key": key };
  const { data, problem, said } = await send(ledger.POST("/v1/prices", { params: { header }, body: shown.body }));
  if (!data) return change(form, { busy: null, ...refused(problem, said, savingSentence(problem)) });
  const { healing, ...added } = data as Schemas["AddedPrice"];
  // It also heals other models that have a price by now. Then nobody knows how many calls it looks at.
  const isOwn = shown.scope?.unpriced_only === true && healing?.models.join() === shown.scope.model.join();
  if (healing && isOwn && shown.answer) totals.set(healing.id, shown.answer.looked);
  change(form, { price: added, jobs: healing ? [healing] : [] });
  saves.set(saves.get() + 1);
  await restate(form, shown, key);
}

/** Calls without a price are healed by the ledger itself. What had another price needs a job. */
async function restate(form: Store<Form>, { scope, answer }: Preview, key: string): Promise<void> {
  const { jobs } = form.get();
  const isDone = scope === null || answer === null || answer.restated === 0 || (scope.unpriced_only && jobs.length > 0);
  if (isDone) return change(form, { busy: null, isHalf: false });
  const { data, problem, said } = await send(
    ledger.POST("/v1/reprice", {
      params: { header: { "Idempotency-Key": key } },
      body: { ...scope, tz: "UTC", dry_run: false },
    }),
  );
  if (!data) return change(form, { busy: null, isHalf: true, ...refused(problem, said, restatingSentence(problem)) });
  const job = data as Job;
  totals.set(job.id, answer.looked);
  change(form, { busy: null, isHalf: false, jobs: [...jobs, job] });
  saves.set(saves.get() + 1);
}

function refused(problem: Problem, said: Said, sentence: string): Pick<Form, "wrong" | "failed"> {
  const wrong = isUncertain(problem) || said?.detail === undefined ? null : wrongOf(said.detail);
  const priceId = said?.price_id === undefined ? {} : { priceId: said.price_id };
  if (wrong === null) return { wrong, failed: { sentence, ...priceId } };
  if (isField(wrong.field))
    return {
      wrong,
      failed:
        said?.price_id === undefined
          ? null
          : { sentence: "Another price is in the way. Nothing was saved.", ...priceId },
    };
  return { wrong: null, failed: { sentence: wrong.sentence, ...priceId } };
}

type Said = (ApiProblem & { price_id?: string }) | null;
export type Sent<T> = { data: T; problem: null; said: null } | { data: null; problem: Problem; said: Said };

/** The answer to a write, or why there is none. It is never sent again by itself. */
export async function send<T>(asked: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<Sent<T>> {
  try {
    const { data, error, response } = await asked;
    if (response.ok && data !== undefined) return { data, problem: null, said: null };
    const said = typeof error === "object" && error !== null ? (error as Said) : null;
    return { data: null, problem: problemOf(response.status, error), said };
  } catch {
    return { data: null, problem: OFFLINE, said: null };
  }
}
