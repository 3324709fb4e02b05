/** What stands behind a receipt: the price and since when it holds, how usage was read, which rule decided, other costs. */
import type { ComponentChildren } from "preact";
import { exactnessOf } from "../exactness.ts";
import { formatTime } from "../figures.ts";
import { ledger, read, type Schemas, useAnswer } from "../ledger.ts";
import { formatExactly, picoOf, usdOf } from "../money.ts";
import { Difference, Money } from "../parts/money.tsx";
import { addressOf } from "../route.ts";
import type { Call } from "./call.ts";
import { priceWords, type Receipt } from "./receipt.ts";
import { type Decision, semanticsOf } from "./words.ts";

interface OriginProps {
  call: Call;
  decision: Decision;
  zone: string;
}

export function Origin({ call, decision, zone }: OriginProps) {
  const { receipt } = call;
  const instead = call.counted_as;
  const inexact = exactnessOf(call);
  return (
    <dl class="call-origin">
      <Fact name="Does it count?">
        <strong>{decision.title}.</strong> {decision.sentence}{" "}
        {instead !== null && <a href={addressOf("call", {}, instead)}>The call that counts instead</a>}
        <small>
          Rule: <code>{call.rule}</code>
        </small>
      </Fact>
      {inexact && (
        <Fact name="Is the cost exact?">
          <strong>
            <span aria-hidden="true">{inexact.sign}</span> {inexact.title}.
          </strong>{" "}
          {inexact.sentence} How its usage was read says what.
        </Fact>
      )}
      <PriceFact receipt={receipt} zone={zone} />
      <Fact name="How usage was read">
        {semanticsOf(receipt.usage_semantics).join(" ")}
        {call.unknown_usage_members.length > 0 && (
          <>
            {" "}
            No rule reads these members of what was sent: <bdi>{call.unknown_usage_members.join(", ")}</bdi>.
          </>
        )}
        <small>
          As stored: <code>{receipt.usage_semantics === "" ? "(nothing)" : receipt.usage_semantics}</code>
        </small>
      </Fact>
      <ReportedFact call={call} />
    </dl>
  );
}

export function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function PriceFact({ receipt, zone }: { receipt: Receipt; zone: string }) {
  const words = priceWords(receipt.price_source);
  if (words === null) return <Fact name="Price">None is known for it.</Fact>;
  const { price_version: version, price_correction: correction, price_confidence: confidence } = receipt;
  return (
    <Fact name="Price">
      {words.source}, for <bdi>{nameOf(receipt)}</bdi>
      {words.tier !== null && (
        <>
          , at the service tier <bdi>{words.tier}</bdi>
        </>
      )}
      . {!words.isCustom && correction === null && "It held when the call ended. "}
      {correction !== null && (
        <>
          {correction.from === null
            ? "It always held. "
            : `It holds from ${formatTime(Date.parse(correction.from), zone)} on. `}
          Published at <bdi>{correction.source}</bdi>.{" "}
        </>
      )}
      {confidence === "approximate" && (
        <>
          <strong>It is approximate</strong>
          {receipt.price_confidence_reason !== null && (
            <>
              : <bdi>{receipt.price_confidence_reason}</bdi>
            </>
          )}
          .{" "}
        </>
      )}
      {words.isCustom && version !== null && <CustomPrice id={version} zone={zone} />}
      <small>
        {words.version} <code>{version}</code>
        {confidence === "exact" && ", exact"}
      </small>
    </Fact>
  );
}

/** Since when a custom price holds. The list of prices has it. */
function CustomPrice({ id, zone }: { id: string; zone: string }) {
  const { data } = useAnswer("prices of receipts", (signal) => read(ledger.GET("/v1/prices", { signal })));
  const price = data?.prices.find((one) => one.id === id);
  if (!price) return <a href={addressOf("prices")}>Custom prices</a>;
  return (
    <>
      It holds from {formatTime(Date.parse(price.starts_at), zone)} on
      {price.ends_at !== null && `, until ${formatTime(Date.parse(price.ends_at), zone)}`}
      {price.factor !== null && `; its factor is ${price.factor}`}
      {price.project_id === null && "; it is for every project"}. <a href={addressOf("prices")}>Custom prices</a>
    </>
  );
}

function ReportedFact({ call }: { call: Schemas["Trace"] }) {
  const { cost_usd: cost, reported_cost_usd: reported, recorded_cost_usd: recorded } = call;
  const wasRestated = recorded !== cost;
  return (
    <>
      <Fact name="Reported cost">
        {reported === null ? (
          "Nobody reported one."
        ) : (
          <>
            <span data-reported>
              <Money usd={reported} />
            </span>{" "}
            {cost === null ? (
              "as the caller saw it. The ledger has none to compare."
            ) : reported === cost ? (
              "as the caller saw it: the same as here."
            ) : (
              <>
                as the caller saw it:{" "}
                <span data-reported-difference>
                  <Difference usd={usdOf(picoOf(reported) - picoOf(cost))} />
                </span>{" "}
                against this receipt.
              </>
            )}
            <small>Exactly {formatExactly(reported)}</small>
          </>
        )}
      </Fact>
      {wasRestated && (
        <Fact name="First recorded cost">
          {recorded === null ? (
            "The call had no price when it came. It was priced later."
          ) : (
            <>
              <Money usd={recorded} />, before its price was corrected.
            </>
          )}
        </Fact>
      )}
    </>
  );
}

function nameOf({ price_provider: provider, price_model: model }: Receipt): string {
  return provider === null || provider === "*" ? (model ?? "") : `${provider} / ${model ?? ""}`;
}
