/** The newest answers as they come: filtered, and paused while somebody reads. Never a payload. */

import { type ReactNode, useDeferredValue, useState } from "react";
import { Badge, Button, Card, Segments } from "../ui/index.ts";
import { timeOfDay } from "./charts.tsx";
import { bytes, type Entry, eventName, filterLog, type History, ms, type Outcomes } from "./history.ts";

/** Lines shown. */
const SHOWN = 100;
const OUTCOMES = [
  { value: "all", label: "All" },
  { value: "errors", label: "Refused or failed" },
] as const;

export function LiveLog({ history }: { history: History }): ReactNode {
  const [text, setText] = useState("");
  const [outcomes, setOutcomes] = useState<Outcomes>("all");
  const [held, setHeld] = useState<History>();
  const shown = held ?? history;
  const lines = filterLog(shown.log, useDeferredValue(text), outcomes, SHOWN);
  const newer = held ? history.nextKey - held.nextKey : 0;
  return (
    <Card
      title="Live log"
      className="log"
      aside={
        <div className="log-tools">
          <label className="log-filter">
            <span className="sr-only">Filter by event, user or outcome</span>
            <input
              type="search"
              className="input"
              placeholder="Event, user or outcome"
              value={text}
              onChange={(event) => setText(event.target.value)}
            />
          </label>
          <Segments label="Outcomes shown" options={OUTCOMES} value={outcomes} onChange={setOutcomes} />
          <Button aria-pressed={Boolean(held)} onClick={() => setHeld(held ? undefined : history)}>
            {held ? "Go on" : "Pause"}
          </Button>
        </div>
      }
    >
      <p className="small soft log-note" role="status">
        {held
          ? `Paused${newer > 0 ? `; ${newer} newer` : ""}`
          : shown.skipped
            ? `Under load only the newest of each second are listed; ${shown.skipped.toLocaleString()} were left out.`
            : "Names, sizes and outcomes; never what was in them."}
      </p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it */}
      <section className="scroller log-lines" aria-label="Log, scrollable" tabIndex={0}>
        <table className="table" data-testid="log">
          <thead>
            <tr>
              <th scope="col">Time</th>
              <th scope="col">Event</th>
              <th scope="col">User</th>
              <th scope="col">Outcome</th>
              <th scope="col" className="number">
                ms
              </th>
              <th scope="col" className="number">
                Size
              </th>
            </tr>
          </thead>
          <tbody>
            {lines.map((entry) => (
              <Line key={entry.key} entry={entry} />
            ))}
          </tbody>
        </table>
        {!lines.length && (
          <p className="empty soft">{shown.log.length ? "Nothing matches." : "Nothing has come yet."}</p>
        )}
      </section>
    </Card>
  );
}

function Line({ entry }: { entry: Entry }): ReactNode {
  const { at, event, user, outcome, ms: took, bytes: size } = entry;
  return (
    <tr>
      <td className="mono soft">{timeOfDay(at)}</td>
      <th scope="row" className="mono">
        {eventName(event)}
      </th>
      <td>{user}</td>
      <td>
        <Badge tone={outcome === "ack" ? "good" : "bad"}>{outcome}</Badge>
      </td>
      <td className="number">{ms(took)}</td>
      <td className="number">{bytes(size)}</td>
    </tr>
  );
}
