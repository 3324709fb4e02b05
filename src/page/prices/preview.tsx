/** What a price would restate, exactly, before it is saved. */
import { formatCount, formatDay } from "../figures.ts";
import { groupName } from "../groups.ts";
import { Message } from "../parts/message.tsx";
import { Difference, Money } from "../parts/money.tsx";
import { type Column, Table } from "../parts/table.tsx";
import { changesByModel, type DryRun, isStillUnknown, type ModelChange, sumOf } from "./changes.ts";
import { ModelCell } from "./model-cell.tsx";
import type { Preview } from "./saving.ts";

export function PreviewOf({ preview, isStale }: { preview: Preview; isStale: boolean }) {
  const { answer } = preview;
  return (
    <div class={isStale ? "prices-stale" : undefined}>
      <h3>What it changes{isStale && " (before your last change: preview it again)"}</h3>
      {answer === null ? (
        <p>It begins later, so no past call changes.</p>
      ) : answer.restated === 0 ? (
        <p>
          No past call changes: {formatCount(answer.looked)} {answer.looked === 1 ? "was" : "were"} looked at. It
          applies to calls that arrive from now on.
        </p>
      ) : (
        <Changes answer={answer} preview={preview} />
      )}
      {preview.since !== null && <p>Calls before {preview.since} are deleted. Their cost stays as it is.</p>}
      {answer !== null && answer.out_of_range > 0 && (
        <p>{formatCount(answer.out_of_range)} calls keep their cost: the new one is more than the ledger can keep.</p>
      )}
      {answer?.complete === false && (
        <Message kind="warning" title={`The time was enough for the first ${formatCount(answer.looked)} calls`}>
          The figures are of these. Once saved, all calls are looked at.
        </Message>
      )}
    </div>
  );
}

function Changes({ answer, preview: { draft, body } }: { answer: DryRun; preview: Preview }) {
  // No price is unknown, and not 0.
  const isUnpriced = draft.past === "unpriced";
  const beforeOf = (usd: string): string | null => (isUnpriced ? null : usd);
  const afterOf = (usd: string): string | null => (isUnpriced && isStillUnknown(usd, body) ? null : usd);
  const lacking = changesByModel(answer.changes).filter(({ after }) => afterOf(after) === null);
  const columns = <Row extends Omit<ModelChange, "provider" | "model">>(): Column<Row>[] => [
    { key: "calls", title: "Calls", isFigure: true, render: ({ requests }) => formatCount(requests) },
    {
      key: "before",
      title: "Before",
      isFigure: true,
      render: ({ before }) => <Money usd={beforeOf(before)} />,
    },
    { key: "after", title: "After", isFigure: true, render: ({ after }) => <Money usd={afterOf(after)} /> },
    { key: "change", title: "Change", isFigure: true, render: ({ difference }) => <Difference usd={difference} /> },
  ];
  return (
    <>
      {lacking.length > 0 && (
        <Message kind="warning" title="Some calls would still have no cost">
          <bdi>{lacking.map(({ model }) => model).join(", ")}</bdi>: they use a kind of token that this price leaves
          out.
        </Message>
      )}
      <dl class="figures">
        <div>
          <dt>Calls</dt>
          <dd id="preview-calls">{formatCount(answer.restated)}</dd>
        </div>
        <div>
          <dt>Before</dt>
          <dd>
            <Money usd={beforeOf(sumOf(answer.changes, "before_usd"))} id="preview-before" />
          </dd>
        </div>
        <div>
          <dt>After</dt>
          <dd>
            <Money usd={afterOf(sumOf(answer.changes, "after_usd"))} id="preview-after" />
          </dd>
        </div>
        <div>
          <dt>Change</dt>
          <dd id="preview-difference">
            <Difference usd={answer.difference_usd} />
          </dd>
        </div>
      </dl>
      <Table
        caption="What the price changes, by model"
        rows={changesByModel(answer.changes)}
        columns={[
          {
            key: "model",
            title: "Model",
            render: ({ provider, model }) => <ModelCell model={model} provider={provider} tier={null} />,
          },
          ...columns<ModelChange>(),
        ]}
        keyOf={({ provider, model }) => JSON.stringify([provider, model])}
      />
      <details>
        <summary>By day</summary>
        <Table
          caption="What the price changes, by day and model"
          rows={answer.changes.map(({ before_usd: before, after_usd: after, difference_usd: difference, ...row }) => ({
            ...row,
            before,
            after,
            difference,
          }))}
          columns={[
            {
              key: "day",
              title: "Day (UTC)",
              render: ({ day, model }) => (
                <bdi>
                  {formatDay(day)}, {groupName(model)}
                </bdi>
              ),
            },
            ...columns<ModelChange & { day: string }>(),
          ]}
          keyOf={({ day, provider, model }) => JSON.stringify([day, provider, model])}
        />
      </details>
    </>
  );
}
