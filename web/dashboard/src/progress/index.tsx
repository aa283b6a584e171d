/** The Progress view: score, this session, goal, trends, mastery. It follows the student's answers as they come. */

import { useRealTimeAnalytics } from "@bonsai/react";
import { type ReactNode, useState } from "react";
import "./progress.css";
import { GoalCard } from "./goal.tsx";
import { Mastery } from "./mastery.tsx";
import { SessionCard } from "./now.tsx";
import { ScoreCard } from "./score.tsx";
import { type Span, Trends } from "./trends.tsx";
import { useAnswers, useProgress } from "./use-progress.ts";

export default function Progress(): ReactNode {
  const { analytics, isReady } = useRealTimeAnalytics();
  const [span, setSpan] = useState<Span>("30");
  const { progress, setGoal } = useProgress(Number(span));
  const answers = useAnswers();
  return (
    <main className="view progress" id="main">
      <h1>Progress</h1>
      <div className="progress-top">
        <div className="progress-side">
          <ScoreCard score={analytics.score} goal={progress?.goal} loading={!isReady} />
          <GoalCard progress={progress} setGoal={setGoal} />
        </div>
        <SessionCard update={analytics} answers={answers} />
      </div>
      <Trends progress={progress} score={analytics.score} span={span} setSpan={setSpan} />
      <Mastery bySkill={analytics.performance.bySkill} />
    </main>
  );
}
