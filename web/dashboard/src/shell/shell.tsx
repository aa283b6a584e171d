/** The frame of all views: header with navigation, connection and theme; the view that the address names. */

import { useWebSocket } from "@bonsai/react";
import { lazy, type ReactNode, Suspense, useEffect, useRef } from "react";
import { analysesOf } from "../practice/analyses.ts";
import { gradesOf } from "../practice/grades.ts";
import { bookOf } from "../practice/said.ts";
import { hrefOf, type Route, useRoute } from "../router.ts";
import { useSession } from "../session/session.tsx";
import { sharedStateOf } from "../shared/state.ts";
import { Button, Icon } from "../ui/index.ts";
import { Connection } from "./connection.tsx";
import { useTheme } from "./theme.ts";

const VIEWS = {
  practice: lazy(() => import("../practice/index.tsx")),
  progress: lazy(() => import("../progress/index.tsx")),
  operations: lazy(() => import("../operations/index.tsx")),
};
const NAMES: Record<Route, string> = { practice: "Practice", progress: "Progress", operations: "Operations" };

export function Shell(): ReactNode {
  const route = useRoute();
  const { roles, userId } = useSession();
  const [theme, toggleTheme] = useTheme();
  const View = VIEWS[route];
  const routes: Route[] = roles.includes("admin") ? ["practice", "progress", "operations"] : ["practice", "progress"];
  const first = useRef(true);

  // What comes before the view that shows it, and while another one is shown.
  const { client } = useWebSocket();
  for (const listen of [sharedStateOf, gradesOf, analysesOf, bookOf]) listen(client);

  useEffect(() => {
    document.title = `${NAMES[route]} · Bonsai`;
    if (!first.current) document.getElementById("view")?.focus();
    first.current = false;
  }, [route]);

  return (
    <div className="shell">
      {/* biome-ignore lint/a11y/useValidAnchor: the fragment is the route's, so the jump is made by hand */}
      <a
        className="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          document.getElementById("view")?.focus();
        }}
      >
        Skip to content
      </a>
      <header className="bar">
        <a className="brand" href={hrefOf("practice")} aria-label="Bonsai">
          <img src="./icon.svg" alt="" width="28" height="28" />
          <span>Bonsai</span>
        </a>
        <nav aria-label="Views">
          {routes.map((name) => (
            <a key={name} href={hrefOf(name)} aria-current={name === route ? "page" : undefined}>
              {NAMES[name]}
            </a>
          ))}
        </nav>
        <div className="bar-end">
          <Connection />
          <Button kind="icon" aria-label={`Use the ${theme === "dark" ? "light" : "dark"} theme`} onClick={toggleTheme}>
            <Icon name={theme === "dark" ? "sun" : "moon"} />
          </Button>
          <span className="who" title={`Signed in as ${userId}`}>
            {userId}
          </span>
        </div>
      </header>
      <div id="view" tabIndex={-1}>
        <Suspense fallback={<main className="view" aria-busy="true" />}>
          <View />
        </Suspense>
      </div>
    </div>
  );
}
