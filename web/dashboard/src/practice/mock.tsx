/** A module of a mock test: its questions in any order, answers that may be changed until it is handed in, and a clock that does not stop. */

import { useWebSocket } from "@bonsai/react";
import { type ReactNode, useCallback, useEffect, useRef, useState } from "react";
import { useSeconds, useShared } from "../shared/hooks.ts";
import { Button, Card, Dialog, Icon, useToast } from "../ui/index.ts";
import { useKeys } from "./keys.ts";
import { clock, type Mark, type Module, moduleKey, type Question } from "./model.ts";
import { QuestionView } from "./question.tsx";
import type { PracticeHandle } from "./use-practice.ts";
import "./mock.css";

/** Seconds left at which the clock draws attention to itself. */
const SOON = 300;

export function Mock({ handle }: { handle: PracticeHandle }): ReactNode {
  const { practice, update, known, now } = handle;
  const [, shared] = useShared();
  const { isConnected } = useWebSocket();
  const current = update?.mode === "mock" && update.revision > practice.after ? update : undefined;
  const key = current?.module && moduleKey(current.module);
  const questions = useModuleQuestions(key, current?.questions);
  const begun = key !== undefined && practice.module?.key === key;

  const start = (): void => {
    if (key)
      shared
        .claim({ practice: { drafts: null, module: { key, since: now(), at: 0, handing: null } } })
        .catch(() => undefined);
  };

  if (!known || !current?.module) return <Card className="waiting" aria-busy="true" title="Putting a test together…" />;
  if (current.module.finished) return <Finished marks={practice.marks} onAgain={() => handle.setMode("practice")} />;
  if (!begun) {
    const { section, number, seconds } = current.module;
    return (
      <Card title={`${section}, module ${number} of 2`} className="waiting">
        <p>{`${questions.length} questions in ${Math.round(seconds / 60)} minutes. You may go back and forth, and change answers until you hand in.`}</p>
        <p className="soft">There are no hints and no explanations on the way, as on the day itself.</p>
        <Marks marks={practice.marks} />
        <Button kind="primary" onClick={start} disabled={!isConnected} data-testid="start-module">
          Start the clock
        </Button>
      </Card>
    );
  }
  return (
    <Running
      handle={handle}
      module={practice.module as Module}
      questions={questions}
      seconds={current.module.seconds}
    />
  );
}

/** The questions of a module in the order in which they came first: what is answered is left out of later updates. */
function useModuleQuestions(key: string | undefined, listed: Question[] = []): Question[] {
  const kept = useRef<{ key: string | undefined; questions: Question[] }>({ key: undefined, questions: [] });
  if (kept.current.key !== key || listed.length > kept.current.questions.length)
    kept.current = { key, questions: listed };
  return kept.current.questions;
}

interface RunningProps {
  handle: PracticeHandle;
  module: Module;
  questions: Question[];
  seconds: number;
}

function Running({ handle, module, questions, seconds }: RunningProps): ReactNode {
  const { practice, patch, setDraft, choose, strike, now, send } = handle;
  const { request } = useWebSocket();
  const toast = useToast();
  const [asking, setAsking] = useState(false);
  const { drafts } = practice;
  const at = Math.min(module.at, questions.length - 1);
  const question = questions[at];
  const id = question?.id ?? "";
  const draft = drafts[id];
  const left = seconds - (now() - module.since) / 1000;
  const answered = questions.filter((one) => drafts[one.id]?.answer);
  const latest = useRef({ drafts, questions, module });
  latest.current = { drafts, questions, module };
  useSeconds(true);

  // Time on each question, told when it is left.
  const came = useRef(Date.now());
  // biome-ignore lint/correctness/useExhaustiveDependencies: for each question
  useEffect(() => {
    came.current = Date.now();
  }, [id]);
  const spentHere = (): number => (drafts[id]?.spent ?? 0) + (Date.now() - came.current) / 1000;
  const goTo = (index: number): void => {
    if (index === at || index < 0 || index >= questions.length) return;
    patch({ module: { at: index }, drafts: { [id]: { spent: Math.round(spentHere()) } } });
  };

  const handIn = useCallback(async () => {
    const { drafts: given, questions: all, module: current } = latest.current;
    if (current.handing) return;
    patch({ module: { handing: true } });
    const filled = all.filter((one) => given[one.id]?.answer);
    try {
      const marks = await Promise.all(
        filled.map(async (one) => {
          const { answer = "", spent } = given[one.id] ?? {};
          const { correct } = await send(one.id, answer, Math.max(1, spent ?? one.expectedSeconds));
          patch({ drafts: { [one.id]: { sent: true } }, trail: { [one.id]: correct ? 1 : 0 } });
          return correct;
        }),
      );
      patch({ marks: { [current.key]: { right: marks.filter(Boolean).length, of: all.length } } });
      // With an answer to every question the server has handed it in by itself.
      if (filled.length < all.length) await request("recommendations:refresh", {}, { timeout: 0 });
    } catch (error) {
      toast({ text: `The module was not handed in: ${(error as Error).message}`, tone: "bad" });
      patch({ module: { handing: null } });
    }
  }, [patch, send, request, toast]);

  const over = left <= 0;
  useEffect(() => {
    if (over) void handIn();
  }, [over, handIn]);

  useKeys({
    choose: (key) => question?.choices?.some((choice) => choice.key === key) && choose(id, key),
    strike: (key) => question?.choices?.some((choice) => choice.key === key) && strike(id, key),
    hint: () => undefined,
    enter: () => goTo(at + 1),
  });

  if (!question || module.handing) return <Card className="waiting" aria-busy="true" title="Handing in…" />;
  return (
    <div className="mock">
      <div className="mock-bar">
        <strong>{module.key}</strong>
        <span role="timer" className="mock-clock" data-late={left < SOON}>
          <Icon name="clock" /> {clock(left)}
        </span>
        <Button onClick={() => setAsking(true)} data-testid="hand-in">
          Hand in
        </Button>
      </div>
      <Card>
        <QuestionView
          question={question}
          draft={draft}
          onChoose={(key) => choose(id, key)}
          onStrike={(key) => strike(id, key)}
          onType={(answer) => setDraft(id, { answer: answer || null })}
          onEnter={() => goTo(at + 1)}
        >
          <div className="actions">
            <Button onClick={() => goTo(at - 1)} disabled={at === 0}>
              Back
            </Button>
            <Button kind="primary" onClick={() => goTo(at + 1)} disabled={at === questions.length - 1}>
              Next
            </Button>
            <Button
              kind="quiet"
              aria-pressed={Boolean(draft?.flagged)}
              onClick={() => setDraft(id, { flagged: draft?.flagged ? null : true })}
            >
              {draft?.flagged ? "Flagged" : "Flag for later"}
            </Button>
          </div>
        </QuestionView>
      </Card>
      <nav className="mock-map" aria-label="Questions of the module">
        {questions.map((one, index) => {
          const { answer, flagged } = drafts[one.id] ?? {};
          const state = `${answer ? "answered" : "open"}${flagged ? ", flagged" : ""}`;
          return (
            <button
              type="button"
              key={one.id}
              aria-current={index === at ? "step" : undefined}
              aria-label={`Question ${index + 1}, ${state}`}
              data-answered={Boolean(answer)}
              data-flagged={Boolean(flagged)}
              onClick={() => goTo(index)}
            >
              {index + 1}
            </button>
          );
        })}
      </nav>
      <Dialog title="Hand this module in?" open={asking} onClose={() => setAsking(false)}>
        <p>
          {answered.length === questions.length
            ? "Every question has an answer."
            : `${questions.length - answered.length} of ${questions.length} questions have no answer yet.`}
          {" Nothing can be changed afterwards."}
        </p>
        <div className="actions">
          <Button
            kind="primary"
            data-testid="hand-in-now"
            onClick={() => {
              setAsking(false);
              void handIn();
            }}
          >
            Hand in
          </Button>
          <Button onClick={() => setAsking(false)}>Go on working</Button>
        </div>
      </Dialog>
    </div>
  );
}

function Marks({ marks }: { marks: Record<string, Mark> }): ReactNode {
  const all = Object.entries(marks);
  if (all.length === 0) return null;
  return (
    <dl className="marks">
      {all.map(([key, { right, of }]) => (
        <div key={key}>
          <dt>{key}</dt>
          <dd>{`${right} of ${of} right`}</dd>
        </div>
      ))}
    </dl>
  );
}

function Finished({ marks, onAgain }: { marks: Record<string, Mark>; onAgain: () => void }): ReactNode {
  return (
    <Card title="The test is over" className="waiting">
      <p>Well done for seeing it through. Your predicted score has taken it in.</p>
      <Marks marks={marks} />
      <Button kind="primary" onClick={onAgain}>
        Practise what was hard
      </Button>
    </Card>
  );
}
