/** The views, each in a file of its own that is loaded when it is first seen. A new view is one more row. */
import type { ComponentType } from "preact";
import type { ViewName } from "./route.ts";

export interface ViewProps {
  id: string;
  query: URLSearchParams;
}

interface ViewEntry {
  title: string;
  /** In the navigation, where its name may be another. */
  listed: boolean | string;
  /** The view that the navigation shows in its place. */
  within?: ViewName;
  needs: "read" | "admin";
  load: () => Promise<{ default: ComponentType<ViewProps> }>;
}

export const VIEWS: Readonly<Partial<Record<ViewName, ViewEntry>>> = {
  overview: { title: "Overview", listed: true, needs: "read", load: () => import("./views/overview.tsx") },
  explore: { title: "Explore", listed: true, needs: "read", load: () => import("./views/explore.tsx") },
  why: { title: "Why", listed: true, needs: "read", load: () => import("./views/why.tsx") },
  calls: { title: "Calls", listed: true, needs: "read", load: () => import("./views/calls.tsx") },
  call: { title: "Call", listed: false, needs: "read", load: () => import("./views/call.tsx") },
  sessions: { title: "Sessions", listed: false, needs: "read", load: () => import("./views/sessions.tsx") },
  session: { title: "Session", listed: false, needs: "read", load: () => import("./views/session.tsx") },
  coverage: { title: "Coverage", listed: "Agents", needs: "read", load: () => import("./views/coverage.tsx") },
  doubles: {
    title: "Doubles",
    listed: false,
    within: "coverage",
    needs: "read",
    load: () => import("./views/doubles.tsx"),
  },
  plans: { title: "Plans", listed: false, within: "coverage", needs: "read", load: () => import("./views/plans.tsx") },
  prices: { title: "Prices", listed: true, needs: "read", load: () => import("./views/prices.tsx") },
  settings: { title: "Settings", listed: true, needs: "admin", load: () => import("./views/settings.tsx") },
};
