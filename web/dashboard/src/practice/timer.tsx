/** How long the question has been there; when it is more than usual, that is said in colour and words. */

import type { ReactNode } from "react";
import { useSeconds } from "../shared/hooks.ts";
import { Button, Icon } from "../ui/index.ts";
import { clock, type Practice, secondsSpent } from "./model.ts";

/** Properties of `Timer`. */
export interface TimerProps {
  practice: Practice;
  now: () => number;
  onPause: () => void;
}

export function Timer({ practice, now, onPause }: TimerProps): ReactNode {
  const { question, results, pausedAt } = practice;
  const open = question !== undefined && !(question.id in results);
  useSeconds(open && pausedAt === undefined);
  if (!open) return null;
  const spent = secondsSpent(practice, now());
  const late = spent > question.expectedSeconds;
  return (
    <div className="timer" data-late={late}>
      <span role="timer" aria-label={`Time on this question${late ? ", longer than usual" : ""}`}>
        <Icon name="clock" /> {clock(spent)}
        <small className="soft">{` / ${clock(question.expectedSeconds)}`}</small>
      </span>
      <Button kind="quiet" onClick={onPause} aria-pressed={pausedAt !== undefined}>
        {pausedAt === undefined ? "Pause" : "Go on"}
      </Button>
    </div>
  );
}
