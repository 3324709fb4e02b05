/** A field of the form, with the sentence that says what is wrong with it. */
import type { ComponentChildren } from "preact";
import type { Store } from "../store.ts";
import type { Form } from "./saving.ts";
import { type } from "./saving.ts";

interface FieldProps {
  form: Store<Form>;
  name: string;
  label: string;
  hint?: string;
  isMoney?: boolean;
  options?: readonly string[];
  children?: ComponentChildren;
}

export function Field({ form, name, label, hint, isMoney, options, children }: FieldProps) {
  const { draft, wrong, busy, price } = form.get();
  const sentence = wrong?.field === name ? wrong.sentence : null;
  const id = `price-${name}`;
  return (
    <div class="prices-field">
      <label for={id}>{label}</label>
      <span class={isMoney ? "prices-usd" : undefined}>
        <input
          id={id}
          name={name}
          value={draft.fields[name] ?? ""}
          onInput={(event) => type(form, { fields: { ...draft.fields, [name]: event.currentTarget.value } })}
          autoComplete="off"
          spellcheck={false}
          maxLength={512}
          inputMode={isMoney ? "decimal" : undefined}
          placeholder={isMoney ? "\u2013" : undefined}
          readOnly={busy !== null || price !== null}
          aria-invalid={sentence !== null}
          aria-describedby={`${id}-said`}
          list={options && `${id}-known`}
        />
      </span>
      {options && (
        <datalist id={`${id}-known`}>
          {options.map((value) => (
            <option key={value} value={value} />
          ))}
        </datalist>
      )}
      {children}
      <p
        id={`${id}-said`}
        class={sentence === null ? "muted" : "prices-wrong"}
        role={sentence === null ? undefined : "alert"}
      >
        {sentence ?? hint}
      </p>
    </div>
  );
}
