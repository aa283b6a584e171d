/** Predicted score, streak and how the session goes; a dot for each question. */

import type { Payloads } from "@bonsai/client";
import { useRealTimeAnalytics } from "@bonsai/react";
import type { ReactNode } from "react";
import { Card } from "../ui/index.ts";
import { type Outcome, UNGRADED } from "./model.ts";

/** The card with the predicted score. */
export function Numbers(): ReactNode {
  const { analytics, isReady } = useRealTimeAnalytics();
  const { currentSession, score } = analytics;
  const { questionsAnswered, correctAnswers, streakCount, bestStreak } = currentSession;
  return (
    <Card title="Predicted score" className="numbers" aria-busy={!isReady}>
      <Score score={score} />
      <dl>
        <div>
          <dt>Right</dt>
          <dd>{questionsAnswered ? `${correctAnswers} of ${questionsAnswered}` : "–"}</dd>
        </div>
        <div>
          <dt>In a row</dt>
          <dd>
            {streakCount}
            {bestStreak > streakCount && <small className="soft">{`best ${bestStreak}`}</small>}
          </dd>
        </div>
      </dl>
    </Card>
  );
}

/** The range of a section's scores. */
const [LOWEST, HIGHEST] = [200, 800];

function Score({ score }: { score: Payloads.AnalyticsScore | undefined }): ReactNode {
  const sections = Object.entries(score?.sections ?? {});
  if (sections.length === 0)
    return <p className="soft">After ten answers in a section, you see here where you stand.</p>;
  const { total, low, high } = score ?? {};
  return (
    <div data-testid="score">
      {total !== undefined && (
        <p className="score-total">
          <strong>{total}</strong> <span className="soft">{`likely ${low} to ${high}`}</span>
        </p>
      )}
      <ul className="score-sections">
        {sections.map(([name, section]) => (
          <li key={name}>
            <span>{name}</span>
            <strong>{section.score}</strong>
            <Range {...section} />
          </li>
        ))}
      </ul>
    </div>
  );
}

function Range({ score, low, high }: Payloads.AnalyticsSectionScore): ReactNode {
  const x = (value: number): number => ((value - LOWEST) / (HIGHEST - LOWEST)) * 100;
  return (
    <svg
      className="range"
      viewBox="0 0 100 8"
      preserveAspectRatio="none"
      role="img"
      aria-label={`likely ${low} to ${high}`}
    >
      <rect className="range-all" x="0" y="2.500" width="100" height="3" rx="1.500" />
      <rect className="range-likely" x={x(low)} y="2.500" width={Math.max(1, x(high) - x(low))} height="3" rx="1.500" />
      <rect className="range-here" x={x(score) - 0.75} y="0.500" width="1.500" height="7" rx="0.500" />
    </svg>
  );
}

/** Dots shown. */
const MOST = 20;

/** How the session's questions went, one dot each. */
export function Trail({ trail, open }: { trail: Record<string, Outcome>; open: boolean }): ReactNode {
  const all = Object.entries(trail);
  if (all.length === 0) return null;
  const graded = all.filter(([, outcome]) => outcome !== UNGRADED);
  const right = graded.filter(([, outcome]) => outcome).length;
  const waits = all.length - graded.length;
  const label = `${right} of ${graded.length} right in this session${waits ? `, ${waits} not graded yet` : ""}`;
  return (
    <div className="trail" role="img" aria-label={label}>
      {all.slice(-MOST).map(([id, outcome]) => (
        <i key={id} data-outcome={outcome} />
      ))}
      {open && <i data-open="true" />}
    </div>
  );
}
