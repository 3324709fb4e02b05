/** One form that prices a model: what is typed, what it would restate, and what became of it. */
import { useEffect, useRef } from "preact/hooks";
import { formatCount } from "../figures.ts";
import { ledger, read, useAnswer } from "../ledger.ts";
import { Message } from "../parts/message.tsx";
import { type Store, useStore } from "../store.ts";
import { callsChanged, type Job } from "./changes.ts";
import { COMMON, FEE_NAMES, OTHER_TOKENS, type Rest, TOKENS } from "./draft.ts";
import { Field } from "./field.tsx";
import { termsOf } from "./history.ts";
import { JobProgress } from "./jobs.tsx";
import { PreviewOf } from "./preview.tsx";
import { type Form, isPreviewed, preview, save, totalOf, type } from "./saving.ts";

interface PriceFormProps {
  form: Store<Form>;
  title: string;
  zone: string;
  jobs: readonly Job[];
  refresh: () => void;
  close: () => void;
}

export function PriceForm({ form, title, zone, jobs, refresh, close }: PriceFormProps) {
  const now = useStore(form);
  const heading = useRef<HTMLHeadingElement>(null);
  const box = useRef<HTMLFormElement>(null);
  const isSaved = now.price !== null;
  useEffect(() => heading.current?.focus(), [isSaved]);
  const { wrong } = now;
  useEffect(() => {
    const field = wrong && box.current?.querySelector<HTMLElement>(`[name="${CSS.escape(wrong.field)}"]`);
    if (!field) return;
    field.closest("details")?.setAttribute("open", "");
    field.focus();
  }, [wrong]);
  return (
    <section class="card prices-form" aria-labelledby="price-title">
      <div class="title">
        <h2 id="price-title" tabIndex={-1} ref={heading}>
          {isSaved ? "The price is saved" : title}
        </h2>
        <button type="button" class="quiet" disabled={now.busy !== null} onClick={close}>
          Close
        </button>
      </div>
      {isSaved ? (
        <Saved now={now} form={form} zone={zone} jobs={jobs} refresh={refresh} />
      ) : (
        <div class="prices-sides">
          <form
            ref={box}
            noValidate
            onSubmit={(event) => {
              event.preventDefault();
              void preview(form, Date.now());
            }}
          >
            <Fields form={form} now={now} />
            <button type="submit" class={isPreviewed(now) ? "prices-again" : undefined} disabled={now.busy !== null}>
              {now.busy === "previewing" ? "Asking \u2026" : "Preview what it changes"}
            </button>
          </form>
          <div class="prices-preview" aria-live="polite">
            <Failed now={now} />
            {now.preview ? (
              <PreviewOf preview={now.preview} isStale={!isPreviewed(now)} />
            ) : (
              <p class="muted">
                The preview tells which past calls would get another cost. Nothing is saved before you have seen it.
              </p>
            )}
            {isPreviewed(now) && (
              <button type="button" class="prices-save" disabled={now.busy !== null} onClick={() => void save(form)}>
                {now.busy === "saving" ? "Saving \u2026" : saveName(now)}
              </button>
            )}
          </div>
        </div>
      )}
    </section>
  );
}

function saveName({ preview: shown, draft }: Form): string {
  const count = shown?.answer ? callsChanged(shown.answer, shown.body, draft.past === "unpriced") : 0;
  if (count === 0) return "Save the price";
  const calls = `${formatCount(count)} ${count === 1 ? "call" : "calls"}`;
  return draft.past === "unpriced" ? `Save, and price ${calls}` : `Save, and restate ${calls}`;
}

function Failed({ now: { failed } }: { now: Form }) {
  if (failed === null) return null;
  return (
    <Message kind="problem" title={failed.sentence}>
      {failed.priceId !== undefined && <a href={`#price-${failed.priceId}`}>The other price is in the list below.</a>}
    </Message>
  );
}

function Fields({ form, now }: { form: Store<Form>; now: Form }) {
  const { draft, wrong } = now;
  const isFixed = now.busy !== null;
  const set = (name: string, value: string): void => type(form, { fields: { ...draft.fields, [name]: value } });
  const drop = (name: string): void => {
    const { [name as keyof Rest]: _, ...rest } = draft.rest;
    type(form, { rest });
  };
  return (
    <>
      <div class="prices-fields">
        <Field
          form={form}
          name="model"
          label="Model"
          hint="The whole name, or a pattern: acme-*, *:free"
          options={useKnown("model")}
        />
        <Field form={form} name="provider" label="Provider" hint="Empty: any provider" options={useKnown("provider")} />
        <Field form={form} name="starts_at" label="From" hint="A UTC day, or a time with its offset">
          <span class="prices-quick">
            <button
              type="button"
              class="quiet"
              disabled={isFixed}
              onClick={() => set("starts_at", instant().slice(0, 10))}
            >
              Today
            </button>
            <button type="button" class="quiet" disabled={isFixed} onClick={() => set("starts_at", instant())}>
              Now
            </button>
          </span>
        </Field>
      </div>
      <fieldset aria-describedby="price-units-said">
        <legend>USD per million tokens</legend>
        <div class="prices-units">
          {Object.entries(COMMON).map(([name, label]) => (
            <Field key={name} form={form} name={name} label={label} isMoney />
          ))}
        </div>
        <p
          id="price-units-said"
          class={wrong?.field === TOKENS ? "prices-wrong" : "muted"}
          role={wrong?.field === TOKENS ? "alert" : undefined}
        >
          {wrong?.field === TOKENS
            ? wrong.sentence
            : "Without a price of their own, cached input and cache writes cost as much as input."}
        </p>
      </fieldset>
      <details>
        <summary>Other kinds, fees, tier and end</summary>
        <div class="prices-units">
          {Object.entries(OTHER_TOKENS).map(([name, label]) => (
            <Field key={name} form={form} name={name} label={label} isMoney />
          ))}
        </div>
        <p class="muted">Fees, in USD per thousand:</p>
        <div class="prices-units">
          {Object.entries(FEE_NAMES).map(([name, label]) => (
            <Field key={name} form={form} name={name} label={label} isMoney />
          ))}
        </div>
        <div class="prices-fields">
          <Field form={form} name="service_tier" label="Service tier" hint="Empty: every tier" />
          <Field form={form} name="ends_at" label="Until" hint="Empty: no end" />
        </div>
      </details>
      {Object.keys(draft.rest).length > 0 && (
        <ul class="prices-rest" aria-label="Taken over from the price before">
          {Object.entries(draft.rest).map(([name, value]) => (
            <li key={name}>
              As before: <bdi>{termsOf({ ...NO_REST, [name]: value }).join(", ")}</bdi>{" "}
              <button type="button" class="quiet" disabled={isFixed} onClick={() => drop(name)}>
                Leave out
              </button>
            </li>
          ))}
        </ul>
      )}
      <fieldset disabled={isFixed}>
        <legend>Past calls</legend>
        {PAST.map(([past, label]) => (
          <label key={past} class="prices-past">
            <input type="radio" name="past" checked={draft.past === past} onChange={() => type(form, { past })} />
            {label}
          </label>
        ))}
      </fieldset>
    </>
  );
}

const NO_REST = { aliases: [], steps: null, factor: null, multipliers: null, same_as: null };
const PAST = [
  ["unpriced", "Only those without a price get it"],
  ["all", "Those with another price are restated, too"],
] as const;

function instant(): string {
  return new Date().toISOString();
}

/** Names that calls have, to complete what is typed. */
function useKnown(field: "model" | "provider"): string[] {
  const { data } = useAnswer(`known ${field}`, (signal) =>
    read(ledger.GET("/v1/values", { params: { query: { field, limit: 100 } }, signal })),
  );
  return data?.values.flatMap(({ value }) => value ?? []) ?? [];
}

interface SavedProps {
  now: Form;
  form: Store<Form>;
  zone: string;
  jobs: readonly Job[];
  refresh: () => void;
}

function Saved({ now, form, zone, jobs, refresh }: SavedProps) {
  return (
    <div class="prices-saved" aria-live="polite">
      <p>
        It applies to calls of <bdi>{now.price!.model}</bdi> that arrive from now on, in some places after 30 seconds.
      </p>
      <Failed now={now} />
      {now.isHalf && (
        <button type="button" class="prices-save" disabled={now.busy !== null} onClick={() => void save(form)}>
          {now.busy === "saving" ? "Starting \u2026" : "Restate past calls"}
        </button>
      )}
      {now.jobs.map((opened) => (
        <JobProgress
          key={opened.id}
          job={jobs.find(({ id }) => id === opened.id) ?? opened}
          zone={zone}
          total={totalOf(opened)}
          mayCancel
          refresh={refresh}
        />
      ))}
      {now.jobs.length === 0 && !now.isHalf && now.busy === null && <p>No past call had to change.</p>}
    </div>
  );
}
