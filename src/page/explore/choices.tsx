/** What is looked at, and how: metric, groups, interval, number of groups, comparison, drawing. */
import { useState } from "preact/hooks";
import { DIMENSIONS, fieldName, filtersOf, isFilterField, isLabel } from "../filters.ts";
import { ledger, read, useAnswer } from "../ledger.ts";
import type { Range } from "../range.ts";
import { iso } from "../zone.ts";
import { fitting } from "./intervals.ts";
import { METRICS } from "./metrics.ts";
import { type AskedInterval, DRAWINGS, type ExploreState, INTERVALS, LIMITS } from "./state.ts";

interface ChoicesProps {
  query: URLSearchParams;
  range: Range;
  state: ExploreState;
  change: (changes: Partial<ExploreState>) => void;
}

const SECTIONS = [
  ["Cost", ["cost_usd", "cost_per_request_usd", "cost_per_1k_tokens_usd", "cache_savings_estimate_usd"]],
  ["Calls", ["requests", "errors", "error_rate", "unpriced_requests"]],
  ["Tokens", METRICS.map(({ name }) => name).filter((name) => /_tokens$|cache_hit/.test(name))],
  ["Latency", ["p50", "p90", "p95", "p99", "mean", "max"]],
  ["Checks", ["recorded_cost_usd", "reported_cost_usd", "reported_requests"]],
] as const;

export function Choices(props: ChoicesProps) {
  const { range, state, change } = props;
  const { metric, interval, limit, drawing } = state;
  return (
    <div class="explore-choices">
      <label>
        Metric
        <select
          value={metric.name}
          onChange={({ currentTarget: { value } }) => change({ metric: METRICS.find(({ name }) => name === value)! })}
        >
          {SECTIONS.map(([title, names]) => (
            <optgroup key={title} label={title}>
              {METRICS.filter(({ name }) => names.some((listed) => listed === name)).map(({ name, title }) => (
                <option key={name} value={name}>
                  {title}
                </option>
              ))}
            </optgroup>
          ))}
        </select>
      </label>
      <Groups {...props} />
      <label>
        Interval
        <select value={interval} onChange={(event) => change({ interval: event.currentTarget.value as AskedInterval })}>
          {INTERVALS.map((name) => (
            <option key={name} value={name}>
              {name === "none"
                ? "Whole range"
                : name === "auto"
                  ? `Auto (${drawing === "table" ? "whole range" : fitting(range)})`
                  : name[0]!.toUpperCase() + name.slice(1)}
            </option>
          ))}
        </select>
      </label>
      <label>
        Groups
        <select
          value={String(limit ?? "all")}
          onChange={({ currentTarget: { value } }) => change({ limit: value === "all" ? null : Number(value) })}
        >
          {[...new Set([...LIMITS, ...(limit === null ? [] : [limit])])]
            .sort((a, b) => a - b)
            .map((count) => (
              <option key={count} value={String(count)}>
                Top {count}
              </option>
            ))}
          <option value="all">All</option>
        </select>
      </label>
      <fieldset>
        <legend>Show as</legend>
        {DRAWINGS.map((name) => (
          <button
            key={name}
            type="button"
            aria-pressed={name === drawing}
            disabled={!metric.isSum && (name === "area" || name === "bars") && name !== drawing}
            onClick={() => change({ drawing: name })}
          >
            {name[0]!.toUpperCase() + name.slice(1)}
          </button>
        ))}
      </fieldset>
      <div class="checks">
        <label>
          <input
            type="checkbox"
            checked={state.compares}
            onChange={(event) => change({ compares: event.currentTarget.checked, compareWith: null })}
          />
          Compare with {state.compareWith ? "another" : "the previous"} period
        </label>
        <label>
          <input
            type="checkbox"
            checked={state.isCumulative}
            disabled={!metric.isSum || drawing === "table"}
            onChange={(event) => change({ isCumulative: event.currentTarget.checked })}
          />
          Cumulative
        </label>
      </div>
    </div>
  );
}

/** The keys of tags that calls of the range have. */
function useTags(range: Range): string[] {
  const query = { field: "tag", from: iso(range.from), to: iso(range.to), tz: range.zone, limit: 100 };
  const { data } = useAnswer(`tags ${JSON.stringify(query)}`, (signal) =>
    read(ledger.GET("/v1/values", { params: { query }, signal })),
  );
  return data?.values.flatMap(({ value }) => (value === null ? [] : [`tag.${value}`])) ?? [];
}

function Groups({ query, range, state, change }: ChoicesProps) {
  const tags = useTags(range);
  const { groupBy } = state;
  // A question may use one label, and a filter by a label is one.
  const label = filtersOf(query).find(({ field }) => isLabel(field))?.field;
  const [group, subgroup] = groupBy;
  const allowed = (name: string, other: string | undefined): boolean =>
    name !== other &&
    !(isLabel(name) && ((label !== undefined && label !== name) || (other !== undefined && isLabel(other))));
  return (
    <>
      <GroupChoice
        title="Group by"
        value={group}
        tags={tags}
        allowed={(name) => allowed(name, undefined)}
        // A subgroup that does not go with it goes.
        choose={(name) =>
          change({ groupBy: name === null ? [] : [name, ...groupBy.slice(1).filter((other) => allowed(other, name))] })
        }
      />
      {group !== undefined && (
        <GroupChoice
          title="then by"
          value={subgroup}
          tags={tags}
          allowed={(name) => allowed(name, group)}
          choose={(name) => change({ groupBy: name === null ? [group] : [group, name] })}
        />
      )}
    </>
  );
}

interface GroupChoiceProps {
  title: string;
  value: string | undefined;
  tags: readonly string[];
  allowed: (name: string) => boolean;
  choose: (name: string | null) => void;
}

const TYPED = "typed";

function GroupChoice({ title, value, tags, allowed, choose }: GroupChoiceProps) {
  const [isTyping, setTyping] = useState(false);
  const [typed, setTyped] = useState("");
  const own = value !== undefined && isLabel(value) && value !== "user" ? [value] : [];
  const options = [...new Set([...DIMENSIONS, "user", ...tags, ...own])].filter(
    (name) => name === value || allowed(name),
  );
  const name = `tag.${typed.trim().replace(/^tag\./, "")}`;
  return (
    <>
      <label>
        {title}
        <select
          value={isTyping ? TYPED : (value ?? "")}
          onChange={({ currentTarget: { value } }) => {
            setTyping(value === TYPED);
            if (value !== TYPED) choose(value === "" ? null : value);
          }}
        >
          <option value="">Nothing</option>
          {options.map((name) => (
            <option key={name} value={name}>
              {name.startsWith("tag.") ? `tag: ${fieldName(name)}` : name}
            </option>
          ))}
          {allowed("tag.\u2026") && <option value={TYPED}>another tag…</option>}
        </select>
      </label>
      {isTyping && (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (!isFilterField(name) || name.includes(",")) return;
            setTyping(false);
            setTyped("");
            choose(name);
          }}
        >
          <label>
            Name of the tag
            <input value={typed} required pattern="[^,]+" onInput={(event) => setTyped(event.currentTarget.value)} />
          </label>
        </form>
      )}
    </>
  );
}
