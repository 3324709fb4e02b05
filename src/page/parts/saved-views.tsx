/** The project's saved views: opening one, saving this address under a name, replacing, renaming, deleting, sharing. */
import { address, navigate } from "../address.ts";
import { ledger, read, useAnswer } from "../ledger.ts";
import { type Openable, openable } from "../saved.ts";
import { chosenProject, mayRead, signedIn } from "../session.ts";
import { createStore, useStore } from "../store.ts";
import { VIEWS } from "../views.ts";
import { Menu } from "./menu.tsx";
import { Message, ProblemMessage } from "./message.tsx";
import { SavedView } from "./saved-view.tsx";
import { SaveView } from "./save-view.tsx";
import { Skeleton } from "./skeleton.tsx";

/** The one that was opened last. Its sentence stays while its address does. */
const opened = createStore<(Openable & { name: string }) | null>(null);

export function SavedViews() {
  const here = useStore(address);
  const last = useStore(opened);
  return (
    <>
      <Menu label="Saved views" title="Saved views">
        {(close) => <Views close={close} />}
      </Menu>
      {last !== null && last.leftOut !== null && last.href === here && (
        <div class="control-notice">
          <Message kind="warning" title={`“${last.name}” was saved by another version of this page`}>
            {last.leftOut}. The saved view itself is as it was.
          </Message>
        </div>
      )}
    </>
  );
}

function Views({ close }: { close: () => void }) {
  const here = useStore(address);
  const now = signedIn.get();
  const mayWrite = now.state === "in" && mayRead(now.session);
  const { data, problem, retry, isLoading } = useAnswer(`views ${chosenProject.get() ?? ""}`, (signal) =>
    read(ledger.GET("/v1/views", { signal })),
  );
  const views = data?.views;
  return (
    <>
      <ProblemMessage problem={problem} retry={retry} />
      {!views && isLoading && <Skeleton rows={3} label="Loading saved views" />}
      {mayWrite && views && <SaveView path={here} views={views} onChange={retry} />}
      {views?.length === 0 && <p class="muted">None yet. A saved view is there for everyone of this project.</p>}
      {views && views.length > 0 && (
        <ul class="control-views" aria-label="Saved views">
          {views.map((view) => {
            const way = openable(view.path, (name) => VIEWS[name] !== undefined);
            return (
              <SavedView
                key={view.id}
                view={view}
                way={way}
                isHere={way.href === here}
                mayWrite={mayWrite}
                onOpen={() => {
                  opened.set({ ...way, name: view.name });
                  navigate(way.href);
                  close();
                }}
                onChange={retry}
              />
            );
          })}
        </ul>
      )}
    </>
  );
}
