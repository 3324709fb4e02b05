/** Writes the settings of each coding agent into `/docs`, so that they are shown before Swagger UI has started. */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Plugin } from "vite";
import type { Emitter } from "../../src/page/first-run/agents.ts";

/** What stands in `docs.html` at their place. */
const PLACE = "<!-- The settings of each coding agent. -->";

/** @param source the folder of the page's sources. The build fails if its `docs.html` has no place for the settings. */
export function showAgents(source: string): Plugin {
  return {
    name: "show-agents",
    transformIndexHtml: {
      order: "pre",
      async handler(html, { filename }) {
        if (filename !== join(source, "docs.html")) return html;
        if (!html.includes(PLACE)) throw new Error(`docs.html has no ${PLACE}`);
        // `npm run dev` builds the page again after a change. Without a new address it would import the same again.
        const url = `${pathToFileURL(join(source, "first-run/agents.ts")).href}?${Date.now()}`;
        const { AGENTS } = (await import(url)) as { AGENTS: readonly Emitter[] };
        return html.replace(PLACE, () => AGENTS.map(settingsOf).join("\n"));
      },
    },
  };
}

function settingsOf({ title, steps, note }: Emitter): string {
  const blocks = steps.map(({ place, text }) => {
    const where = place === "shell" ? "In the shell:" : `In <code>${escaped(place)}</code>:`;
    return `<p>${where}</p><pre><code>${escaped(text({ url: "URL", key: "KEY" }))}</code></pre>`;
  });
  return `<details><summary><h3>${escaped(title)}</h3></summary>${blocks.join("")}<p>${escaped(note)}</p></details>`;
}

const escaped = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
