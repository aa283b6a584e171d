/** Hints, rung by rung: the next one opens only after the last had time to be tried. */

import type { BonsaiError, Payloads } from "@bonsai/client";
import { useLiveCoaching } from "@bonsai/react";
import { type ReactNode, useCallback, useEffect, useState } from "react";
import { useSeconds } from "../shared/hooks.ts";
import { Rich } from "../text/rich.tsx";
import { Button, Icon, useToast } from "../ui/index.ts";

const KINDS: Record<Payloads.CoachingHint["kind"], string> = {
  goal: "What is asked",
  strategy: "A way to go",
  step: "The first step",
  solution: "Worked solution",
  misconception: "What may have happened",
};

/** What `useHints` returns. */
export interface Hints {
  shown: Payloads.CoachingHint[];
  /** Rungs of the ladder; undefined before the first hint. */
  rungs: number | undefined;
  /** Seconds until the next one opens. */
  wait: number;
  /** There is none left. */
  done: boolean;
  busy: boolean;
  ask: () => void;
}

/** The hints of a question. `opened`: how many the student's windows have opened, so that a new one catches up. */
export function useHints(questionId: string, opened: number, onOpened: (count: number) => void): Hints {
  const { coaching, requestHint, isConnected } = useLiveCoaching();
  const toast = useToast();
  const [opensAt, setOpensAt] = useState(0);
  const [busy, setBusy] = useState(false);
  const shown = [...(coaching.hints[questionId] ?? [])].sort((a, b) => order(a) - order(b));
  const highest = Math.max(0, ...shown.map(({ rung }) => rung));
  const newest = coaching.hints[questionId]?.at(-1);

  useEffect(() => {
    setOpensAt(newest?.nextInMs ? Date.now() + newest.nextInMs : 0);
  }, [newest]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each question, and after each lost connection
  useEffect(() => {
    if (!isConnected) return;
    for (let rung = highest + 1; rung <= opened; rung++) requestHint(questionId, { rung }).catch(() => undefined);
  }, [questionId, isConnected, opened]);

  const wait = Math.max(0, Math.ceil((opensAt - Date.now()) / 1000));
  useSeconds(wait > 0);

  const ask = useCallback(() => {
    setBusy(true);
    requestHint(questionId)
      .then(
        (hint) => onOpened(hint.rung),
        (error: BonsaiError) => {
          if (error.code === "too_soon") setOpensAt(Date.now() + (error.retryAfterMs ?? 1000));
          else toast({ text: error.message, tone: "warn" });
        },
      )
      .finally(() => setBusy(false));
  }, [requestHint, questionId, onOpened, toast]);

  const rungs = newest?.rungs;
  return { shown, rungs, wait, done: rungs !== undefined && highest >= rungs, busy, ask };
}

/** Rungs in their order; what led to a wrong answer comes last. */
function order({ rung, kind }: Payloads.CoachingHint): number {
  return kind === "misconception" ? 100 + rung : rung;
}

/** The button for the next hint. */
export function HintButton({ hints }: { hints: Hints }): ReactNode {
  const { shown, rungs, wait, done, busy, ask } = hints;
  const label = shown.length === 0 ? "Hint" : wait > 0 ? `Next hint in ${wait} s` : "Next hint";
  return (
    <Button onClick={ask} disabled={done || busy || wait > 0} data-testid="hint" title="Press H">
      <Icon name="hint" />
      {done ? "All hints shown" : label}
      {rungs !== undefined && !done && wait === 0 && (
        <span className="soft">{`${Math.max(...shown.map(({ rung }) => rung))}/${rungs}`}</span>
      )}
    </Button>
  );
}

/** The hints so far. */
export function HintList({ hints, math }: { hints: Hints; math: boolean }): ReactNode {
  const { shown, rungs } = hints;
  return (
    <div role="log" aria-label="Hints">
      {shown.length > 0 && (
        <ol className="hints">
          {shown.map(({ rung, kind, text }) => (
            <li key={`${rung}-${kind}`} data-kind={kind}>
              <h3>
                {KINDS[kind]}
                {kind !== "misconception" && <small className="soft">{`${rung} of ${rungs}`}</small>}
              </h3>
              <div className="reading">
                <Rich text={text} math={math} />
              </div>
            </li>
          ))}
        </ol>
      )}
    </div>
  );
}
