/** What stands around every view: the navigation that the session's scopes allow, and the sign-in form without one. */
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { ComponentType } from "preact";
import { address } from "./address.ts";
import { Message } from "./parts/message.tsx";
import { Skeleton } from "./parts/skeleton.tsx";
import { pending, troubles } from "./ledger.ts";
import { PaletteButton } from "./palette/palette-button.tsx";
import { PATHS, routeOf, type ViewName } from "./route.ts";
import { chosenProject, isAdmin, mayRead, type PageSession, signedIn, signOut } from "./session.ts";
import { ProjectChoice } from "./project-choice.tsx";
import { SignIn } from "./sign-in.tsx";
import { useStore } from "./store.ts";
import { switchTheme, theme } from "./theme.ts";
import { type ViewProps, VIEWS } from "./views.ts";

export function Shell() {
  const now = useStore(signedIn);
  if (now.state === "asking") return <Frame />;
  const session = now.state === "in" ? now.session : now.last;
  const isOut = now.state === "out";
  return (
    <>
      {session && (
        // A session that ended by itself hides its view and keeps it, with all that was entered there.
        <div key={session.project?.id ?? "every project"} hidden={isOut} inert={isOut}>
          <SignedIn session={session} />
        </div>
      )}
      {isOut && <SignIn ended={session !== null} />}
    </>
  );
}

/** What is there before it is known who is signed in. */
function Frame() {
  return (
    <>
      <header class="top">
        <span class="brand">LLM costs</span>
      </header>
      <main>
        <Skeleton rows={6} label="Loading" />
      </main>
    </>
  );
}

function SignedIn({ session }: { session: PageSession }) {
  const project = useStore(chosenProject);
  const here = useStore(address);
  const url = new URL(here, location.origin);
  const route = routeOf(url.pathname);
  const entry = route && VIEWS[route.view];
  const title = entry?.title ?? "Not found";
  const view = useRef<HTMLElement>(null);
  const seen = useRef(url.pathname);
  useEffect(() => {
    document.title = `${title} · LLM Cost Tracker`;
    if (seen.current === url.pathname) return;
    seen.current = url.pathname;
    // Another view is read out, and Tab goes on in it. A dialog that closes gives the focus back before.
    queueMicrotask(() => view.current?.focus({ preventScroll: true }));
  }, [title, url.pathname]);
  return (
    <>
      <a class="skip" href="#view">
        Skip to the view
      </a>
      <Header session={session} current={route?.view ?? null} />
      <Work />
      <main id="view" tabIndex={-1} aria-label={title} ref={view}>
        {!route || !entry ? (
          <Message kind="empty" title="There is no such view">
            The address may be mistyped, or of another version. <a href="/">Go to the overview</a>.
          </Message>
        ) : session.is_admin_key && project === null ? (
          <Skeleton rows={6} label="Loading projects" />
        ) : isAllowed(session, entry.needs) ? (
          <View key={`${route.view} ${project ?? ""}`} name={route.view} id={route.id ?? ""} query={url.searchParams} />
        ) : (
          <Message kind="empty" title="Your key may not see this">
            {entry.needs === "read"
              ? "It has no scope read. Sign out, and sign in with a key that has it."
              : "It has no scope admin. Sign out, and sign in with a key that has it."}
          </Message>
        )}
      </main>
      <Troubles />
    </>
  );
}

/** A question waits for its first answer. It lies over the page, so nothing moves. */
function Work() {
  const isBusy = useStore(pending) > 0;
  return <div class="work" role="progressbar" aria-label="Asking the ledger" hidden={!isBusy} />;
}

/** Why what is shown is not up to date, once for all questions. It lies over the page, so nothing moves. */
function Troubles() {
  const all = useStore(troubles);
  const [first] = all;
  return (
    <div class="troubles" role="status">
      {first && (
        <p class="message warning">
          <span class="mark" aria-hidden="true">
            !
          </span>
          <span>{first.problem.sentence}</span>
          <button type="button" onClick={() => all.forEach(({ retry }) => retry())}>
            Try again
          </button>
        </p>
      )}
    </div>
  );
}

function Header({ session, current }: { session: PageSession; current: ViewName | null }) {
  const look = useStore(theme);
  const listed = (Object.keys(VIEWS) as ViewName[]).filter(
    (name) => VIEWS[name]!.listed && isAllowed(session, VIEWS[name]!.needs),
  );
  return (
    <header class="top">
      <a class="brand" href="/">
        LLM costs
      </a>
      <nav aria-label="Views">
        {listed.map((name) => (
          <a
            key={name}
            href={PATHS[name]}
            aria-current={name === current ? "page" : name === (current && VIEWS[current]?.within) ? "true" : undefined}
          >
            {VIEWS[name]!.listed === true ? VIEWS[name]!.title : VIEWS[name]!.listed}
          </a>
        ))}
        <a href="/docs">API</a>
      </nav>
      <div class="who">
        <PaletteButton session={session} />
        {session.is_admin_key ? <ProjectChoice /> : <bdi class="project">{session.project?.name}</bdi>}
        <button type="button" class="quiet" onClick={switchTheme}>
          {look === "dark" ? "Light" : "Dark"}
        </button>
        <button type="button" class="quiet" onClick={() => void signOut()}>
          Sign out
        </button>
      </div>
    </header>
  );
}

/** Views that were loaded, so that going back shows them at once. */
const loaded = new Map<ViewName, ComponentType<ViewProps>>();

function View({ name, id, query }: ViewProps & { name: ViewName }) {
  const [, again] = useState<unknown>();
  const [failed, setFailed] = useState(false);
  useLayoutEffect(() => {
    if (loaded.has(name)) return;
    const load = async (): Promise<void> => {
      try {
        loaded.set(name, (await VIEWS[name]!.load()).default);
        again({});
      } catch {
        setFailed(true);
      }
    };
    void load();
  }, [name]);
  const Loaded = loaded.get(name);
  if (Loaded) return <Loaded id={id} query={query} />;
  if (!failed) return <Skeleton rows={6} label="Loading" />;
  return (
    <Message kind="problem" title="This view cannot be loaded">
      The ledger cannot be reached, or it was updated meanwhile. <a href={location.href}>Load it again</a>.
    </Message>
  );
}

function isAllowed(session: PageSession, needs: "read" | "admin"): boolean {
  return needs === "read" ? mayRead(session) : isAdmin(session);
}
