/** The command palette: a combobox in a dialog. It is loaded when it is first opened. */
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { navigate } from "../address.ts";
import { ledger, read, useAnswer } from "../ledger.ts";
import { routeOf, type ViewName } from "../route.ts";
import { openable } from "../saved.ts";
import { isAdmin, mayRead, type PageSession, signOut } from "../session.ts";
import { switchTheme, theme } from "../theme.ts";
import { VIEWS } from "../views.ts";
import { type Command, offered, viewCommands } from "./commands.ts";
import "./palette.css";

export interface PaletteProps {
  session: PageSession;
  /** Another object each time that it is asked for; null: it is closed. */
  shown: { what: "commands" | "shortcuts" } | null;
  close: () => void;
}

const MOST = 50;
const LIST = "palette-list";

export default function Palette({ session, shown, close }: PaletteProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  // With the rendering, so that no key comes between. The browser gives the focus back to where it was.
  useLayoutEffect(() => {
    if (shown === null) dialog.current!.close();
    else if (!dialog.current!.open) dialog.current!.showModal();
  }, [shown]);
  return (
    <dialog
      ref={dialog}
      class="palette"
      aria-label={shown?.what === "shortcuts" ? "Shortcuts" : "Go to"}
      // The browser closes first and tells it later, when the palette may be open again.
      onClose={() => dialog.current!.open || close()}
      onClick={(event) => event.target === dialog.current && close()}
    >
      {shown?.what === "commands" && <Commands session={session} close={close} />}
      {shown?.what === "shortcuts" && <Shortcuts close={close} />}
    </dialog>
  );
}

function Commands({ session, close }: { session: PageSession; close: () => void }) {
  const [typed, setTyped] = useState("");
  const [at, setAt] = useState(0);
  const list = useRef<HTMLUListElement>(null);
  const mayAsk = mayRead(session);
  const { data } = useAnswer("views of the palette", async (signal) =>
    mayAsk ? await read(ledger.GET("/v1/views", { signal })) : null,
  );
  const saved: Command[] = (data?.views ?? []).map(({ id, name, path }) => ({
    id: `saved ${id}`,
    name,
    kind: "Saved view",
    to: openable(path, (view) => VIEWS[view] !== undefined).href,
  }));
  const commands = offered([...commandsOf(session), ...saved], typed, MOST);
  const current = Math.min(at, commands.length - 1);
  const run = (command: Command | undefined): void => {
    if (!command) return;
    close();
    if (typeof command.to === "function") command.to();
    else if (routeOf(new URL(command.to, location.origin).pathname) === null) location.assign(command.to);
    else {
      navigate(command.to);
      scrollTo(0, 0);
    }
  };
  const move = (to: number): void => {
    const next = (to + commands.length) % commands.length;
    setAt(next);
    list.current?.children[next]?.scrollIntoView({ block: "nearest" });
  };
  const keys: Readonly<Record<string, () => void>> = {
    ArrowDown: () => move(current + 1),
    ArrowUp: () => move(current - 1),
    PageDown: () => move(Math.min(current + 8, commands.length - 1)),
    PageUp: () => move(Math.max(current - 8, 0)),
    Enter: () => run(commands[current]),
  };
  return (
    <>
      <input
        role="combobox"
        aria-label="Go to a view, a call or a saved view"
        aria-expanded="true"
        aria-autocomplete="list"
        aria-controls={LIST}
        aria-activedescendant={commands.length > 0 ? `${LIST}-${current}` : undefined}
        placeholder="A view, an id, a saved view …"
        autoComplete="off"
        spellcheck={false}
        autoFocus
        value={typed}
        onInput={(event) => {
          setTyped(event.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={(event) => {
          const act = event.isComposing ? undefined : keys[event.key];
          if (!act) return;
          event.preventDefault();
          if (commands.length > 0) act();
        }}
      />
      <ul role="listbox" id={LIST} aria-label="Commands" ref={list}>
        {commands.map((command, i) => (
          <li
            key={command.id}
            id={`${LIST}-${i}`}
            role="option"
            aria-selected={i === current}
            onPointerMove={() => setAt(i)}
            onClick={() => run(command)}
          >
            <bdi>{command.name}</bdi> <span class="muted">{command.kind}</span>
          </li>
        ))}
      </ul>
      <p class="muted" role="status">
        {commands.length === 0
          ? "Nothing fits. Try another word, or paste an id."
          : "↑ ↓ choose, Enter goes, Esc closes"}
      </p>
    </>
  );
}

function commandsOf(session: PageSession): Command[] {
  const seen = (Object.keys(VIEWS) as ViewName[]).filter((name) =>
    VIEWS[name]!.needs === "admin" ? isAdmin(session) : mayRead(session),
  );
  const titles = Object.fromEntries(seen.map((name) => [name, VIEWS[name]!.title]));
  return [
    ...viewCommands(titles),
    ...(titles["prices"] !== undefined && isAdmin(session)
      ? [{ id: "price", name: "Add a price", kind: "Prices", to: "/prices?price=new" }]
      : []),
    { id: "docs", name: "API", kind: "Documentation", to: "/docs" },
    {
      id: "theme",
      name: theme.get() === "dark" ? "Switch to light" : "Switch to dark",
      kind: "Theme",
      to: switchTheme,
    },
    { id: "out", name: "Sign out", kind: "Session", to: () => void signOut() },
  ];
}

const SHORTCUTS = [
  ["Ctrl K or ⌘ K", "Go to a view, a call, a trace, a session or a saved view"],
  ["?", "This list"],
  ["Tab", "The next link or field; the first one skips to the view"],
  ["↑ ↓", "In a table: the row above or below"],
  ["Enter", "Follow a link; in a form: ask"],
  ["Esc", "Close what is open"],
] as const;

function Shortcuts({ close }: { close: () => void }) {
  return (
    <>
      <h2>Shortcuts</h2>
      <dl>
        {SHORTCUTS.map(([keys, what]) => (
          <div key={keys}>
            <dt>
              <kbd>{keys}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <button type="button" onClick={close} autoFocus>
        Close
      </button>
    </>
  );
}
