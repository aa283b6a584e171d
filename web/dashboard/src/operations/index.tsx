/** The Operations view: how the server is doing, second by second; for the role admin. */

import type { Payloads } from "@bonsai/client";
import type { ReactNode } from "react";
import "./operations.css";
import { useSession } from "../session/session.tsx";
import { Badge, Card } from "../ui/index.ts";
import { Charts } from "./charts.tsx";
import { uptime } from "./history.ts";
import { LiveLog } from "./log.tsx";
import { EventsTable, PluginsTable } from "./tables.tsx";
import { Tiles } from "./tiles.tsx";
import { useOperations } from "./use-operations.ts";

export default function Operations(): ReactNode {
  const { roles } = useSession();
  const { history, refused } = useOperations(roles.includes("admin"));
  const now = history.figures.at(-1);
  return (
    <main className="view operations" id="main">
      <header className="operations-head">
        <h1>Operations</h1>
        {now && !refused && <Facts now={now} />}
      </header>
      {refused ? (
        <Card title="Not for this user">
          <p>These figures are for the role admin. Sign in with it, or ask who runs this server.</p>
        </Card>
      ) : (
        <>
          <Tiles figures={history.figures} />
          <Charts figures={history.figures} />
          <div className="columns">
            <EventsTable figures={history.figures} />
            <PluginsTable plugins={now?.plugins ?? []} />
          </div>
          <LiveLog history={history} />
        </>
      )}
    </main>
  );
}

function Facts({ now }: { now: Payloads.DashboardFigures }): ReactNode {
  const { ready, draining, store, node, uptimeMs } = now;
  return (
    <p className="facts">
      <Badge tone={draining ? "warn" : ready ? "good" : "bad"}>
        {draining ? "stopping" : ready ? "ready" : "not ready"}
      </Badge>
      <span>
        store <b className={store === "ok" ? "" : "bad"}>{store}</b>
      </span>
      <span>
        up <b>{uptime(uptimeMs)}</b>
      </span>
      <span>
        node <b className="mono">{node}</b>
      </span>
    </p>
  );
}
