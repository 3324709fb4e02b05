/** The address bar as a store. Links to the page's own views change it without a request. */
import { routeOf } from "./route.ts";
import { createStore } from "./store.ts";

export const address = createStore(location.pathname + location.search);

/** Goes to another address of the page. The view is not lost by going back. */
export function navigate(to: string, { replace = false } = {}): void {
  if (to === address.get()) return;
  history[replace ? "replaceState" : "pushState"](null, "", to);
  address.set(to);
}

export function followAddress(): void {
  addEventListener("popstate", () => address.set(location.pathname + location.search));
  addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    const plain = event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
    if (!link || !plain || event.defaultPrevented || link.target !== "" || link.hasAttribute("download")) return;
    if (link.origin !== location.origin || link.hash !== "" || routeOf(link.pathname) === null) return;
    event.preventDefault();
    navigate(link.pathname + link.search);
    scrollTo(0, 0);
  });
}

/** The key that `npm run dev` puts after the `#`. It leaves the address before anything else happens. */
export function takeKey(): string | null {
  const key = /^#key=(.+)$/.exec(location.hash)?.[1] ?? null;
  if (key !== null) history.replaceState(null, "", location.pathname + location.search);
  return key && decodeURIComponent(key);
}
