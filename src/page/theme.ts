/** Light or dark: as the system has it, until somebody chooses. */
import { createStore } from "./store.ts";

const KEY = "theme";
const system = matchMedia("(prefers-color-scheme: dark)");

export const theme = createStore<"light" | "dark">(current());

export function followTheme(): void {
  show();
  system.addEventListener("change", show);
}

export function switchTheme(): void {
  localStorage.setItem(KEY, theme.get() === "dark" ? "light" : "dark");
  show();
}

function show(): void {
  document.documentElement.dataset["theme"] = current();
  theme.set(current());
}

function current(): "light" | "dark" {
  const chosen = localStorage.getItem(KEY);
  return chosen === "light" || chosen === "dark" ? chosen : system.matches ? "dark" : "light";
}
