/** Routes in the address's fragment: `#/practice`, `#/progress`, `#/operations`. */

import { useSyncExternalStore } from "react";

export const ROUTES = ["practice", "progress", "operations"] as const;
export type Route = (typeof ROUTES)[number];

/** The route that a fragment means; the first one for anything else. */
export function routeOf(hash: string): Route {
  const name = /^#\/?([a-z]+)/.exec(hash)?.[1];
  return ROUTES.find((route) => route === name) ?? ROUTES[0];
}

/** The address of a route, for links. */
export function hrefOf(route: Route): string {
  return `#/${route}`;
}

function subscribe(changed: () => void): () => void {
  addEventListener("hashchange", changed);
  return () => removeEventListener("hashchange", changed);
}

/** The route that is shown. */
export function useRoute(): Route {
  return useSyncExternalStore(subscribe, () => routeOf(location.hash));
}
