/** Adds a filter: a field, and a value that the ledger completes with what calls with it came to. */
import { useState } from "preact/hooks";
import { formatCount } from "../figures.ts";
import {
  DIMENSIONS,
  fieldName,
  type FilterField,
  filtersOf,
  isFilterField,
  isLabel,
  withFilter,
  withoutOtherLabels,
  wrongValue,
} from "../filters.ts";
import { groupName } from "../groups.ts";
import { ledger, read, useAnswer } from "../ledger.ts";
import { valuesQuery } from "../values.ts";
import { Combobox } from "./combobox.tsx";
import type { FilterChipsProps } from "./filter-chips.tsx";
import { ProblemMessage } from "./message.tsx";
import { Money } from "./money.tsx";
import { useTypeAhead } from "./type-ahead.ts";

interface AddFilterProps extends Required<FilterChipsProps> {
  go: (query: URLSearchParams) => void;
  close: () => void;
}

const OTHER_TAG = "tag.";

export function AddFilter(props: AddFilterProps) {
  const { query, range } = props;
  const [chosen, setChosen] = useState<string>(DIMENSIONS[0]);
  const [key, setKey] = useState("");
  const asked = { ...valuesQuery("tag", "", filtersOf(query), range), limit: 100 };
  const tags = useAnswer(`tag keys ${JSON.stringify(asked)}`, (signal) =>
    read(ledger.GET("/v1/values", { params: { query: asked }, signal })),
  );
  const keys = tags.data?.values.map(({ value }) => value) ?? [];
  const field = chosen === OTHER_TAG ? `tag.${key}` : chosen;
  return (
    <div class="control-add">
      <label>
        Field
        <select value={chosen} data-first onChange={(event) => setChosen(event.currentTarget.value)}>
          {[...DIMENSIONS, "user"].map((name) => (
            <option key={name} value={name}>
              {fieldName(name)}
            </option>
          ))}
          <optgroup label="Tags">
            {keys.map((name) => (
              <option key={name} value={`tag.${name}`}>
                {name}
              </option>
            ))}
            <option value={OTHER_TAG}>Another tag …</option>
          </optgroup>
        </select>
      </label>
      {chosen === OTHER_TAG && (
        <label>
          Key of the tag
          <input value={key} maxLength={128} onInput={(event) => setKey(event.currentTarget.value)} />
        </label>
      )}
      {isFilterField(field) && <Value key={field} field={field} {...props} />}
    </div>
  );
}

function Value({ field, query, range, labels, go, close }: AddFilterProps & { field: FilterField }) {
  const [text, setText] = useState("");
  const [wrong, setWrong] = useState<string | null>(null);
  const filters = filtersOf(query);
  const { values, isBusy, problem, retry } = useTypeAhead(valuesQuery(field, text, filters, range));
  const add = (value: string): void => {
    const problem = wrongValue(value);
    if (problem !== null) return setWrong(problem);
    go(withFilter(labels === "one" ? withoutOtherLabels(query, field) : query, field, value));
    close();
  };
  const replaced =
    labels === "one" && isLabel(field) && filters.find((had) => isLabel(had.field) && had.field !== field);
  const choices = values.map(({ value, requests, cost_usd: usd }) => ({
    value,
    content: (
      <>
        <bdi>{groupName(value)}</bdi>
        <span class="muted">
          <Money usd={usd} />, {formatCount(requests)} {requests === 1 ? "call" : "calls"}
        </span>
      </>
    ),
  }));
  if (text !== "" && !values.some(({ value }) => value === text)) {
    choices.push({
      value: text,
      content: (
        <span>
          Exactly “<bdi>{text}</bdi>”
        </span>
      ),
    });
  }
  return (
    <>
      <Combobox
        label="Value"
        text={text}
        onText={(next) => {
          setText(next);
          setWrong(null);
        }}
        choices={choices}
        onChoose={add}
        onTyped={add}
        isBusy={isBusy}
        wrong={wrong}
      />
      <p class="muted" role="status">
        {isBusy ? "Looking …" : statusOf(values.length, text)}
      </p>
      <ProblemMessage problem={problem} retry={retry} />
      {replaced && (
        <p class="muted">
          A summary takes one of user and tags: this replaces the filter by <bdi>{fieldName(replaced.field)}</bdi>.
        </p>
      )}
    </>
  );
}

function statusOf(count: number, text: string): string {
  if (count > 0) return "Values of these days, those with the most calls first.";
  return text === "" ? "No calls of these days have a value." : "No value of these days has this in it.";
}
