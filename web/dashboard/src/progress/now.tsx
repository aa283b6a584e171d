/** This session: its numbers, its pace against the test's, and its newest answers. */

import type { Payloads } from "@bonsai/client";
import type { ReactNode } from "react";
import { Card, Icon } from "../ui/index.ts";
import { duration, paceWords, percent } from "./figures.ts";

/** Answers shown as squares. */
const SQUARES = 30;
/** Answers listed. */
const LISTED = 10;

export function SessionCard(props: {
  update: Payloads.AnalyticsUpdate;
  answers: readonly Payloads.AnalyticsRecorded[];
}): ReactNode {
  const { update, answers } = props;
  const { questionsAnswered, correctAnswers, accuracy, streakCount, bestStreak, pace, testPace } =
    update.currentSession;
  const fatigue = update.trend?.fatigue ?? 0;
  return (
    <Card title="This session" className="session" data-testid="session">
      <dl className="figures">
        <div>
          <dt>Answered</dt>
          <dd data-testid="answered">{questionsAnswered}</dd>
        </div>
        <div>
          <dt>Right</dt>
          <dd>
            {questionsAnswered ? percent(accuracy) : "–"}
            <small>
              {correctAnswers} of {questionsAnswered}
            </small>
          </dd>
        </div>
        <div>
          <dt>Streak</dt>
          <dd>
            {streakCount}
            <small>best {bestStreak}</small>
          </dd>
        </div>
      </dl>
      <Pace ratio={testPace} perMinute={pace} />
      {fatigue >= 0.5 && (
        <p className="note note-warn">
          Your answers are getting slower or worse than usual: a good moment for a break.
        </p>
      )}
      <Answers answers={answers} />
    </Card>
  );
}

/** The pace on a scale from half to twice the test's. */
function Pace({ ratio, perMinute }: { ratio: number | undefined; perMinute: number }): ReactNode {
  if (ratio === undefined) {
    return (
      <p className="soft small">Pace against the test's clock appears with the first answer of the test's sections.</p>
    );
  }
  const x = ((Math.log2(Math.min(2, Math.max(0.5, ratio))) + 1) / 2) * 100;
  return (
    <div className="pace">
      <p>
        <span>
          Pace <strong>{ratio.toFixed(2)}×</strong> the test's
        </span>
        <small className="soft">{perMinute.toFixed(1)} a minute</small>
      </p>
      <div
        className="pace-line"
        role="img"
        aria-label={`Pace ${ratio.toFixed(2)} times the test's: ${paceWords(ratio)}`}
      >
        <i className="pace-middle" />
        <i className={ratio < 0.97 ? "pace-value pace-late" : "pace-value"} style={{ left: `${x}%` }} />
      </div>
      <p className="small soft pace-words" aria-hidden="true">
        <span>slower</span>
        <b>{paceWords(ratio)}</b>
        <span>faster</span>
      </p>
    </div>
  );
}

function Answers({ answers }: { answers: readonly Payloads.AnalyticsRecorded[] }): ReactNode {
  if (!answers.length) {
    return <p className="soft small answers-none">Answers show up here as they are given, on any device.</p>;
  }
  const right = answers.slice(-SQUARES).filter(({ correct }) => correct).length;
  const shown = answers.slice(-SQUARES);
  return (
    <div className="answers">
      <h3>Newest answers</h3>
      <div className="squares" role="img" aria-label={`${right} of the newest ${shown.length} answers are right`}>
        {shown.map(({ number, correct }) => (
          <i key={number} data-right={correct} />
        ))}
      </div>
      <ol className="answers-list" aria-live="off" data-testid="answers">
        {answers
          .slice(-LISTED)
          .reverse()
          .map(({ number, correct, skill, timeSpent, expected }) => (
            <li key={number}>
              <span className={correct ? "mark mark-right" : "mark mark-wrong"}>
                <Icon name={correct ? "check" : "close"} />
                <span className="sr-only">{correct ? "Right" : "Wrong"}</span>
              </span>
              <span className="answers-skill">{skill}</span>
              <small className="soft">
                {duration(timeSpent)} ·{" "}
                <span title="The chance of a right answer, before it was given">{percent(expected)}</span>
              </small>
            </li>
          ))}
      </ol>
    </div>
  );
}
