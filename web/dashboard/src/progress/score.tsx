/** The predicted score: the total and its two intervals on the test's scale, and the sections'. */

import type { Payloads } from "@bonsai/client";
import type { ReactNode } from "react";
import { Badge, Card } from "../ui/index.ts";
import { SECTION_RANGE, SECTIONS, TOTAL_RANGE } from "./domains.ts";
import { percent } from "./figures.ts";

interface Interval {
  value: number;
  low: number;
  high: number;
  testLow: number;
  testHigh: number;
}

/** Answers in a section from which it has a score. */
const NEEDED = 10;

export function ScoreCard(props: {
  score: Payloads.AnalyticsScore | undefined;
  goal: Payloads.AnalyticsGoal | undefined;
  loading: boolean;
}): ReactNode {
  const { score, goal, loading } = props;
  const total = intervalOf(score, score?.total);
  return (
    <Card
      title="Predicted score"
      className="score"
      aside={goal?.total !== undefined && <Badge tone="accent">Goal {goal.total}</Badge>}
    >
      {total ? (
        <>
          <p className="score-total" data-testid="score-total">
            <strong>{total.value}</strong>
            <span className="soft">of {TOTAL_RANGE[1]}</span>
          </p>
          <Scale of="Total" interval={total} range={TOTAL_RANGE} goal={goal?.total} />
          <dl className="score-legend">
            <div>
              <dt>
                <i className="swatch swatch-level" /> Your level
              </dt>
              <dd>
                {total.low}–{total.high}
              </dd>
            </div>
            <div>
              <dt>
                <i className="swatch swatch-test" /> One test taken now
              </dt>
              <dd>
                {total.testLow}–{total.testHigh}
              </dd>
            </div>
            {goal?.total !== undefined && goal.chance !== undefined && (
              <div>
                <dt>
                  <i className="swatch swatch-goal" /> Chance of {goal.total} now
                </dt>
                <dd>{percent(goal.chance)}</dd>
              </div>
            )}
          </dl>
          <p className="small soft">
            Each range holds four times out of five. Your level is what very many tests would come to on average; one
            test has its luck besides.
          </p>
        </>
      ) : (
        <p className="score-none soft">
          {loading
            ? "Looking at your answers…"
            : `A score is told from ${NEEDED} answers in each section on. Practise a little, and it appears here.`}
        </p>
      )}
      <ul className="score-sections">
        {SECTIONS.map(({ name }) => {
          const interval = intervalOf(score?.sections[name], score?.sections[name]?.score);
          return (
            <li key={name}>
              <p>
                <span>{name}</span>
                {interval ? (
                  <strong>
                    {interval.value}{" "}
                    <small className="soft">
                      {interval.low}–{interval.high}
                    </small>
                  </strong>
                ) : (
                  <small className="soft">from {NEEDED} answers on</small>
                )}
              </p>
              {interval && <Scale of={name} interval={interval} range={SECTION_RANGE} small />}
            </li>
          );
        })}
      </ul>
    </Card>
  );
}

function intervalOf(
  of: { low?: number; high?: number; testLow?: number; testHigh?: number } | undefined,
  value: number | undefined,
): Interval | undefined {
  if (!of || value === undefined) return undefined;
  const { low = value, high = value, testLow = low, testHigh = high } = of;
  return { value, low, high, testLow, testHigh };
}

/** Both intervals on the scale of the test. */
function Scale(props: {
  of: string;
  interval: Interval;
  range: readonly [number, number];
  goal?: number | undefined;
  small?: boolean;
}): ReactNode {
  const { of, interval, range, goal, small = false } = props;
  const { value, low, high, testLow, testHigh } = interval;
  const x = (score: number): number => ((score - range[0]) / (range[1] - range[0])) * 100;
  const label = `${of} ${value}; your level is between ${low} and ${high}, one test taken now between ${testLow} and ${testHigh}`;
  const span = (from: number, to: number): { left: string; width: string } => ({
    left: `${x(from)}%`,
    width: `${Math.max(0.5, x(to) - x(from))}%`,
  });
  return (
    <div className={small ? "scale scale-small" : "scale"} role="img" aria-label={label}>
      <div className="scale-line">
        <i className="scale-test" style={span(testLow, testHigh)} />
        <i className="scale-level" style={span(low, high)} />
        {goal !== undefined && <i className="scale-goal" style={{ left: `${x(goal)}%` }} />}
        <i className="scale-value" style={{ left: `${x(value)}%` }} />
      </div>
      {!small && (
        <div className="scale-ends" aria-hidden="true">
          {[400, 800, 1200, 1600].map((mark) => (
            <span key={mark} style={{ left: `${x(mark)}%` }}>
              {mark}
            </span>
          ))}
        </div>
      )}
    </div>
  );
}
