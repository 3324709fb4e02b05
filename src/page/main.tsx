/** The page's start: takes the key of a sign-in link, finds the session, and shows the shell. */
import { render } from "preact";
import { followAddress, takeKey } from "./address.ts";
import { routeOf } from "./route.ts";
import { resume, signedIn, signIn } from "./session.ts";
import { Shell } from "./shell.tsx";
import { followTheme } from "./theme.ts";
import { VIEWS } from "./views.ts";

const key = takeKey();
followTheme();
followAddress();
render(<Shell />, document.getElementById("page")!);
// The view's file comes while the session is found.
VIEWS[routeOf(location.pathname)?.view ?? "overview"]?.load().catch(() => {});
void enter(key);

async function enter(key: string | null): Promise<void> {
  if (key === null) return await resume();
  if ((await signIn(key)) !== null) signedIn.set({ state: "out", last: null });
}
