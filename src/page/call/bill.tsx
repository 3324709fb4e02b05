/** The receipt of a call: each line with its quantity, unit price and amount, and the total that they add up to. */
import { formatCount } from "../figures.ts";
import { formatExactly, UNKNOWN } from "../money.ts";
import { billLine, formatListed, type Receipt, restOf } from "./receipt.ts";

export function Bill({ receipt }: { receipt: Receipt }) {
  const lines = receipt.lines.map(billLine);
  const rest = restOf(receipt);
  const hasRest = rest !== null && rest !== "0";
  const amounts = [...lines.map(({ costUsd }) => costUsd), receipt.total_usd, hasRest ? rest : null];
  const decimals = Math.max(2, ...amounts.map((usd) => usd?.split(".")[1]?.length ?? 0));
  return (
    <table class="call-bill">
      <caption>What the call used, at which prices</caption>
      <thead>
        <tr>
          <th scope="col">What</th>
          <th scope="col" class="figure call-wide">
            Quantity
          </th>
          <th scope="col" class="figure call-wide">
            Unit price
          </th>
          <th scope="col" class="figure">
            Amount
          </th>
        </tr>
      </thead>
      <tbody>
        {lines.map((line) => (
          <tr key={line.bucket} data-receipt-line={line.bucket} data-usd={line.costUsd ?? ""}>
            <th scope="row">
              {line.name}
              <small class="call-narrow">
                {formatCount(line.quantity)} {line.unit}
                {line.listedUsd === null ? ", no price" : ` × ${formatListed(line.listedUsd)} ${line.listedPer}`}
              </small>
            </th>
            <td class="figure call-wide">
              {formatCount(line.quantity)} {line.unit}
            </td>
            <td class="figure call-wide">
              {line.unitUsd === null ? (
                <span class="money unknown" data-usd="">
                  {UNKNOWN}
                </span>
              ) : (
                <span data-usd={line.unitUsd}>
                  {formatListed(line.listedUsd!)} {line.listedPer}
                  <small>{line.exactly}</small>
                </span>
              )}
            </td>
            <td class="figure">
              <Amount usd={line.costUsd} decimals={decimals} />
            </td>
          </tr>
        ))}
        {lines.length === 0 && (
          <tr>
            <td colSpan={4}>It used nothing that has a price.</td>
          </tr>
        )}
        {hasRest && (
          <tr data-receipt-line="rounding" data-usd={rest}>
            <th scope="row">Rounding of the total</th>
            <td class="call-wide" />
            <td class="call-wide" />
            <td class="figure">
              <Amount usd={rest} decimals={decimals} />
            </td>
          </tr>
        )}
      </tbody>
      <tfoot>
        <tr>
          <th scope="row">Total</th>
          <td class="call-wide" />
          <td class="call-wide" />
          <td class="figure" data-receipt-total data-usd={receipt.total_usd ?? ""}>
            <Amount usd={receipt.total_usd} decimals={decimals} />
          </td>
        </tr>
      </tfoot>
    </table>
  );
}

/** Every digit, and as many for each amount of the bill, so that they can be added by eye. */
function Amount({ usd, decimals }: { usd: string | null; decimals: number }) {
  if (usd === null) {
    return (
      <span class="money unknown" data-usd="">
        {UNKNOWN}
      </span>
    );
  }
  const [whole, fraction = ""] = formatExactly(usd).split(".");
  return (
    <span class="money" data-usd={usd}>
      {whole}.{fraction.padEnd(decimals, "0")}
    </span>
  );
}
