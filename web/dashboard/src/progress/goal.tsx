/** The student's goal: a score to reach, answers a week; and how far they are. */

import type { Payloads } from "@bonsai/client";
import { type FormEvent, type ReactNode, useState } from "react";
import { Button, Card, Dialog, Meter, useToast } from "../ui/index.ts";
import { dayStreak } from "./figures.ts";

type SetGoal = (goal: { total?: number | null; perWeek?: number | null }) => Promise<void>;

export function GoalCard(props: { progress: Payloads.AnalyticsProgress | undefined; setGoal: SetGoal }): ReactNode {
  const { progress, setGoal } = props;
  const [open, setOpen] = useState(false);
  const { total, perWeek, thisWeek = 0 } = progress?.goal ?? {};
  const streak = dayStreak(progress?.days ?? []);
  return (
    <Card
      title="This week"
      className="goal"
      aside={
        <Button kind="quiet" onClick={() => setOpen(true)} disabled={!progress}>
          {total || perWeek ? "Change goal" : "Set a goal"}
        </Button>
      }
    >
      <dl className="figures figures-two">
        <div>
          <dt>Answers this week</dt>
          <dd>
            {thisWeek}
            {perWeek !== undefined && <small>of {perWeek}</small>}
          </dd>
        </div>
        <div>
          <dt>Days in a row</dt>
          <dd>{streak}</dd>
        </div>
      </dl>
      {perWeek !== undefined && (
        <Meter label={`${thisWeek} of ${perWeek} answers this week`} value={Math.min(1, thisWeek / perWeek)} />
      )}
      <Dialog title="Your goal" open={open} onClose={() => setOpen(false)}>
        <GoalForm total={total} perWeek={perWeek} setGoal={setGoal} onDone={() => setOpen(false)} />
      </Dialog>
    </Card>
  );
}

function GoalForm(props: {
  total: number | undefined;
  perWeek: number | undefined;
  setGoal: SetGoal;
  onDone: () => void;
}): ReactNode {
  const { setGoal, onDone } = props;
  const [total, setTotal] = useState(String(props.total ?? ""));
  const [perWeek, setPerWeek] = useState(String(props.perWeek ?? ""));
  const [busy, setBusy] = useState(false);
  const toast = useToast();
  const save = (event: FormEvent): void => {
    event.preventDefault();
    setBusy(true);
    setGoal({ total: total ? Number(total) : null, perWeek: perWeek ? Number(perWeek) : null }).then(onDone, () => {
      setBusy(false);
      toast({ text: "The goal was not saved", tone: "bad" });
    });
  };
  return (
    <form className="goal-form" onSubmit={save}>
      <label className="field">
        Score to reach
        <input
          type="number"
          min={400}
          max={1600}
          step={10}
          placeholder="none"
          value={total}
          onChange={(event) => setTotal(event.target.value)}
        />
      </label>
      <label className="field">
        Answers a week
        <input
          type="number"
          min={1}
          max={10_000}
          placeholder="none"
          value={perWeek}
          onChange={(event) => setPerWeek(event.target.value)}
        />
      </label>
      <Button kind="primary" type="submit" disabled={busy}>
        Save
      </Button>
    </form>
  );
}
