/** Filters that only lists of calls know: by status, by price, by whether calls count, and by ids. */
import { useState } from "preact/hooks";
import { navigate } from "../address.ts";
import { addressWith, ID_FIELDS, type IdField, IDS, withOne } from "./question.ts";

export function CallFilters({ query }: { query: URLSearchParams }) {
  const go = (next: URLSearchParams): void => navigate(addressWith(location.pathname, next));
  const status = query.get("status");
  const isUnpriced = query.get("unpriced") === "true";
  const isAll = query.get("billable") === "all";
  return (
    <>
      <select
        aria-label="Status"
        value={status === "ok" || status === "error" ? status : ""}
        onChange={({ currentTarget: { value } }) => go(withOne(query, "status", value === "" ? null : value))}
      >
        <option value="">Any status</option>
        <option value="ok">Status ok</option>
        <option value="error">Status error</option>
      </select>
      <button
        type="button"
        class="quiet"
        aria-pressed={isUnpriced}
        onClick={() => go(withOne(query, "unpriced", isUnpriced ? null : "true"))}
      >
        Without a price
      </button>
      <button
        type="button"
        class="quiet"
        aria-pressed={isAll}
        title="Also spans around calls, answers from a cache, and calls that were seen twice"
        onClick={() => go(withOne(query, "billable", isAll ? null : "all"))}
      >
        Also what does not count
      </button>
      <ById query={query} go={go} />
    </>
  );
}

/** Each id that is filtered by, and a field for another one. */
function ById({ query, go }: { query: URLSearchParams; go: (next: URLSearchParams) => void }) {
  const [field, setField] = useState<IdField>("session_id");
  const [text, setText] = useState("");
  const given = ID_FIELDS.flatMap((field) => query.getAll(field).map((id) => ({ field, id })));
  return (
    <>
      {given.map(({ field, id }) => (
        <button
          key={JSON.stringify([field, id])}
          type="button"
          class="quiet calls-id"
          aria-label={`Remove the filter ${IDS[field]} ${id}`}
          onClick={() => go(withoutId(query, field, id))}
        >
          {IDS[field]}: <bdi>{id}</bdi> <span aria-hidden="true">×</span>
        </button>
      ))}
      <form
        class="calls-by-id"
        onSubmit={(event) => {
          event.preventDefault();
          if (text.trim() === "") return;
          go(withId(query, field, text.trim()));
          setText("");
        }}
      >
        <select
          aria-label="Find by"
          value={field}
          onChange={({ currentTarget: { value } }) => setField(value as IdField)}
        >
          {ID_FIELDS.map((name) => (
            <option key={name} value={name}>
              {IDS[name]}
            </option>
          ))}
        </select>
        <input
          aria-label={`${IDS[field]} to find`}
          placeholder="id"
          maxLength={512}
          spellcheck={false}
          autocomplete="off"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <button type="submit">Find</button>
      </form>
    </>
  );
}

function withId(query: URLSearchParams, field: IdField, id: string): URLSearchParams {
  const next = withoutId(query, field, id);
  next.append(field, id);
  return next;
}

function withoutId(query: URLSearchParams, field: IdField, id: string): URLSearchParams {
  return new URLSearchParams(
    [...query].filter(([name, value]) => name !== "cursor" && (name !== field || value !== id)),
  );
}
