/** The numbers at the top: connections, traffic, errors, latency, what waits. */

import type { Payloads } from "@bonsai/client";
import type { ReactNode } from "react";
import { bytes, ms, RECENT, rate, recentTotals } from "./history.ts";

export function Tiles({ figures }: { figures: readonly Payloads.DashboardFigures[] }): ReactNode {
  const now = figures.at(-1);
  const recent = recentTotals(figures);
  const p99 = Math.max(0, ...figures.slice(-RECENT).map(({ latency }) => latency?.p99 ?? 0));
  const { bytes: waiting = 0, contributions = 0, dropped = 0 } = now?.outbox ?? {};
  return (
    <dl className="tiles" aria-busy={!now} data-testid="tiles">
      <Tile
        name="Connections"
        value={now ? String(now.connections) : "–"}
        note={`${now?.joined ?? 0} joined`}
        id="connections"
      />
      <Tile name="Rooms" value={now ? String(now.rooms) : "–"} note={`${now?.sessions ?? 0} sessions`} />
      <Tile name="Events" value={now ? rate(recent.perSecond) : "–"} unit="/s" note={`over ${RECENT} s`} id="rate" />
      <Tile
        name="Refused or failed"
        value={now ? String(recent.errors) : "–"}
        note={`${(recent.share * 100).toFixed(recent.share && recent.share < 0.1 ? 1 : 0)} % of answers`}
        bad={recent.share > 0.05}
      />
      <Tile name="Latency, p99" value={p99 ? ms(p99) : "–"} unit="ms" note={`worst of ${RECENT} s`} bad={p99 > 250} />
      <Tile
        name="Outbox"
        value={now ? bytes(waiting) : "–"}
        note={contributions ? `${contributions} to fold` : dropped ? `${dropped} dropped` : "nothing waits"}
        bad={waiting > 262_144 || contributions > 1000}
      />
    </dl>
  );
}

function Tile(props: {
  name: string;
  value: string;
  unit?: string;
  note: string;
  bad?: boolean;
  id?: string;
}): ReactNode {
  const { name, value, unit, note, bad = false, id } = props;
  return (
    <div className="tile" data-bad={bad}>
      <dt>{name}</dt>
      <dd data-testid={id}>
        {value}
        {unit && value !== "–" && <small> {unit}</small>}
      </dd>
      <dd className="tile-note">{note}</dd>
    </div>
  );
}
