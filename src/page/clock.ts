/** The hour that the page shows last. A view that stays open goes on to the next one. */
import { createStore, useStore } from "./store.ts";

const HOUR_MS = 3_600_000;
const hour = createStore(startOfHour());

function startOfHour(): number {
  return Math.floor(Date.now() / HOUR_MS) * HOUR_MS;
}

let timer: ReturnType<typeof setTimeout> | undefined;

function follow(): void {
  clearTimeout(timer);
  hour.set(startOfHour());
  timer = setTimeout(follow, hour.get() + HOUR_MS - Date.now());
}

/** The start of the present hour, epoch ms. */
export function useHour(): number {
  if (timer === undefined) {
    follow();
    // A computer that slept has missed it.
    document.addEventListener("visibilitychange", follow);
  }
  return useStore(hour);
}
