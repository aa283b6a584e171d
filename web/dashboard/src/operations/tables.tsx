/** Events of the newest seconds, and the plugins' health. */

import type { Payloads } from "@bonsai/client";
import type { ReactNode } from "react";
import { Badge, Card } from "../ui/index.ts";
import { bytes, type EventRow, eventName, eventRows, ms, RECENT, rate } from "./history.ts";

export function EventsTable({ figures }: { figures: readonly Payloads.DashboardFigures[] }): ReactNode {
  const rows = eventRows(figures);
  return (
    <Card title="By event" aside={<Badge>last {RECENT} s</Badge>}>
      {rows.length ? (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it
        <section className="scroller" aria-label="Events, scrollable" tabIndex={0}>
          <table className="table events">
            <thead>
              <tr>
                <th scope="col">Event</th>
                <th scope="col" className="number">
                  /s
                </th>
                <th scope="col" className="number">
                  Errors
                </th>
                <th scope="col" className="number">
                  p50 ms
                </th>
                <th scope="col" className="number">
                  p99 ms
                </th>
                <th scope="col" className="number">
                  Mean size
                </th>
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <EventLine key={row.event} row={row} />
              ))}
            </tbody>
          </table>
        </section>
      ) : (
        <p className="empty soft">Nothing was answered in the last {RECENT} seconds.</p>
      )}
    </Card>
  );
}

function EventLine({ row }: { row: EventRow }): ReactNode {
  return (
    <tr>
      <th scope="row" className="mono">
        {eventName(row.event)}
      </th>
      <td className="number">{rate(row.perSecond)}</td>
      <td className={row.errors ? "number bad" : "number soft"}>{row.errors}</td>
      <td className="number">{ms(row.p50)}</td>
      <td className="number">{ms(row.p99)}</td>
      <td className="number">{bytes(Math.round(row.bytes / row.count))}</td>
    </tr>
  );
}

const TONES: Record<string, "good" | "warn" | "bad" | "neutral"> = {
  loaded: "good",
  resting: "warn",
  failed: "bad",
  disabled: "neutral",
};

export function PluginsTable({ plugins }: { plugins: readonly Payloads.DashboardPluginHealth[] }): ReactNode {
  const well = plugins.filter(({ status, ready }) => status === "loaded" && ready !== false).length;
  const wanted = plugins.filter(({ status }) => status !== "disabled").length;
  return (
    <Card title="Plugins" aside={<Badge tone={well === wanted ? "good" : "warn"}>{`${well} of ${wanted} well`}</Badge>}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it */}
      <section className="scroller scroller-wide" aria-label="Plugins, scrollable" tabIndex={0}>
        <table className="table plugins">
          <thead>
            <tr>
              <th scope="col">Plugin</th>
              <th scope="col">Status</th>
              <th scope="col" className="number">
                Failures
              </th>
              <th scope="col">Says of itself</th>
            </tr>
          </thead>
          <tbody>
            {plugins.map((plugin) => (
              <PluginLine key={plugin.name} plugin={plugin} />
            ))}
          </tbody>
        </table>
      </section>
    </Card>
  );
}

function PluginLine({ plugin }: { plugin: Payloads.DashboardPluginHealth }): ReactNode {
  const { name, version, status, failures, lastFailure, ready, details = {} } = plugin;
  const starting = status === "loaded" && ready === false;
  return (
    <tr data-plugin={name}>
      <th scope="row">
        {name} {version && <small className="soft">{version}</small>}
      </th>
      <td>
        <Badge tone={starting ? "warn" : (TONES[status] ?? "neutral")}>{starting ? "not ready" : status}</Badge>
      </td>
      <td className={failures ? "number bad" : "number soft"}>{failures}</td>
      <td className="plugins-details soft">
        {lastFailure && <span className="bad">last: {lastFailure}</span>}
        {Object.entries(details).map(([key, value]) => (
          <span key={key}>
            {key} <b>{plain(value)}</b>
          </span>
        ))}
      </td>
    </tr>
  );
}

function plain(value: unknown): string {
  if (value === true || value === false) return value ? "yes" : "no";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
