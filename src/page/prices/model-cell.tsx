/** A model in a table, with what belongs to it in a line below. */
import type { ComponentChildren } from "preact";
import { groupName } from "../groups.ts";

interface ModelCellProps {
  model: string;
  /** Null: any. */
  provider: string | null;
  tier: string | null;
  /** Of its calls. */
  href?: string;
  /** Of the cell, for links to it. */
  id?: string;
  children?: ComponentChildren;
}

export function ModelCell({ model, provider, tier, href, id, children }: ModelCellProps) {
  const name = <bdi>{groupName(model)}</bdi>;
  return (
    <div id={id}>
      {href === undefined ? name : <a href={href}>{name}</a>}
      <small class="muted prices-model">
        <bdi>{[provider === null ? "any provider" : groupName(provider), tier ?? []].flat().join(", ")}</bdi>
        {children}
      </small>
    </div>
  );
}
