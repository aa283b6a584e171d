/** The Practice view: question, hints and explanation, the coach beside them, screenshots, other devices. */

import type { Payloads } from "@bonsai/client";
import { useLiveCoaching, useWebSocket } from "@bonsai/react";
import { type ReactNode, useState } from "react";
import { useMedia } from "../shared/hooks.ts";
import { Badge, Button, Card, Dialog, Icon, Meter, Segments, useToast } from "../ui/index.ts";
import { Coach, Strategy } from "./coach.tsx";
import { Devices, useDevices } from "./devices.tsx";
import { HintButton, HintList, useHints } from "./hints.tsx";
import { keysAreOn, setKeys, useKeys } from "./keys.ts";
import { Mock } from "./mock.tsx";
import { clock, type Mode, type Question, SUBJECTS, type Subject } from "./model.ts";
import { Numbers, Trail } from "./numbers.tsx";
import { QuestionView, Report } from "./question.tsx";
import { AnalysisCard, PickPicture, useAnalysis, usePictures } from "./screenshot.tsx";
import { Timer } from "./timer.tsx";
import { type PracticeHandle, usePractice } from "./use-practice.ts";
import "./practice.css";

const MODES: { value: Mode; label: string }[] = [
  { value: "practice", label: "Practice" },
  { value: "diagnose", label: "Diagnose" },
  { value: "mock", label: "Mock test" },
];
const SUBJECT_NAMES: Record<Subject, string> = {
  all: "All subjects",
  math: "Math",
  reading: "Reading",
  writing: "Writing",
};

export default function PracticeView(): ReactNode {
  const handle = usePractice();
  const { practice, pause, goOn } = handle;
  const { request } = useWebSocket();
  const toast = useToast();
  const [analysis, desk] = useAnalysis();
  const over = usePictures((picture) => void desk.send(picture));
  const docked = useMedia("(min-width: 72rem)");
  const [coachOpen, setCoachOpen] = useState(false);
  const [devicesOpen, setDevicesOpen] = useState(false);
  const [keysOpen, setKeysOpen] = useState(false);
  const [strategy, setStrategy] = useState<Payloads.CoachingStrategy>();
  const others = useDevices().length - 1;

  const openStrategy = (about: { questionId: string } | { skill: string }): void => {
    request("coaching:strategy", about).then(setStrategy, (error: Error) =>
      toast({ text: error.message, tone: "warn" }),
    );
  };
  const act = (action: Payloads.CoachingAction): void => {
    const { event, data = {} } = action;
    if (action.action === "open_strategy") openStrategy({ skill: String(data.skill) });
    else if (action.action === "next_question") goOn();
    else if (action.action === "take_break") {
      if (practice.pausedAt === undefined) pause();
      else toast({ text: "Time stands still already. Come back when you like." });
    } else if (event) request(event, data).catch((error: Error) => toast({ text: error.message, tone: "warn" }));
    setCoachOpen(false);
  };

  const { coaching } = useLiveCoaching({
    onMessageReceived: (message) => {
      // In sight already, asked for, or no more than a greeting.
      if (docked || coachOpen || message.reason === "You asked." || message.kind === "session_start") return;
      const [first] = message.actions ?? [];
      toast({
        text: message.message,
        note: message.reason,
        action: first && { label: first.label, run: () => act(first) },
      });
    },
  });
  const coach = <Coach questionId={practice.question?.id} onAction={act} />;

  return (
    <main className="view practice" id="main" data-docked={docked}>
      <h1 className="sr-only">Practice</h1>
      <div className="practice-bar">
        <Segments
          label="Mode"
          options={MODES}
          value={practice.mode}
          onChange={handle.setMode}
          disabled={!handle.known}
        />
        <label className="subject">
          <span className="sr-only">Subject</span>
          <select
            value={practice.subject}
            disabled={!handle.known}
            onChange={(event) => handle.setSubject(event.target.value as Subject)}
          >
            {SUBJECTS.map((subject) => (
              <option key={subject} value={subject}>
                {SUBJECT_NAMES[subject]}
              </option>
            ))}
          </select>
        </label>
        <Trail trail={practice.trail} open={Boolean(practice.question && !handle.result)} />
        <div className="practice-tools">
          {practice.mode !== "mock" && <PickPicture onPicture={(picture) => void desk.send(picture)} />}
          <Button onClick={() => setDevicesOpen(true)} aria-label={others > 0 ? `Devices: ${others} more` : "Devices"}>
            <Icon name="devices" />
            {others > 0 && <Badge tone="good">{`+${others}`}</Badge>}
          </Button>
          {!docked && (
            <Button
              onClick={() => setCoachOpen(true)}
              aria-label={`Coach, ${coaching.unread} unread`}
              data-testid="coach"
            >
              <Icon name="coach" />
              {coaching.unread > 0 && <Badge tone="accent">{coaching.unread}</Badge>}
            </Button>
          )}
        </div>
      </div>
      <div className="practice-columns">
        <div className="practice-main">
          {analysis && <AnalysisCard key={analysis.questionId} analysis={analysis} desk={desk} />}
          {practice.mode === "mock" ? (
            <Mock handle={handle} />
          ) : (
            <Ask handle={handle} onStrategy={openStrategy} onKeys={() => setKeysOpen(true)} />
          )}
        </div>
        {docked && (
          <aside className="practice-aside" aria-label="Score and coach">
            <Numbers />
            <Card
              title="Coach"
              className="coach-card"
              aside={coaching.unread > 0 ? <Badge tone="accent">{`${coaching.unread} new`}</Badge> : undefined}
            >
              {coach}
            </Card>
          </aside>
        )}
        {!docked && <Numbers />}
      </div>
      {!docked && (
        <Dialog title="Coach" side open={coachOpen} onClose={() => setCoachOpen(false)}>
          {coach}
        </Dialog>
      )}
      <Devices open={devicesOpen} onClose={() => setDevicesOpen(false)} />
      <Strategy strategy={strategy} onClose={() => setStrategy(undefined)} />
      <KeysHelp open={keysOpen} onClose={() => setKeysOpen(false)} />
      {over && (
        <div className="drop" aria-hidden="true">
          <p>Drop the picture of a question to have it analysed</p>
        </div>
      )}
    </main>
  );
}

interface AskProps {
  handle: PracticeHandle;
  onStrategy: (about: { questionId: string }) => void;
  onKeys: () => void;
}

/** One question at a time: of practice, and of a diagnosis. */
function Ask({ handle, onStrategy, onKeys }: AskProps): ReactNode {
  const { practice, update, known } = handle;
  const { question } = practice;
  const { diagnosis } = update ?? {};
  if (question) return <One question={question} handle={handle} onStrategy={onStrategy} onKeys={onKeys} />;
  if (known && update && update.revision > practice.after && update.questions.length === 0) {
    return (
      <Card className="waiting" title={diagnosis?.finished ? "Now we know where you stand" : "No more questions here"}>
        <p>
          {diagnosis?.finished
            ? `${diagnosis.asked} questions were enough. Your predicted score has taken them in.`
            : "You have done all that there is for this choice. Choose another subject or mode."}
        </p>
        <Button kind="primary" onClick={() => handle.setMode("practice")}>
          Practise what raises your score most
        </Button>
      </Card>
    );
  }
  return <Card className="waiting" aria-busy="true" title="Looking for your next question…" />;
}

function One({ question, handle, onStrategy, onKeys }: AskProps & { question: Question }): ReactNode {
  const { practice, update, draft, result, next, now } = handle;
  const { isConnected } = useWebSocket();
  const { id, choices } = question;
  const math = question.section === "Math";
  const paused = practice.pausedAt !== undefined;
  const hints = useHints(id, practice.hinted[id] ?? 0, (count) => handle.patch({ hinted: { [id]: count } }));
  const has = (key: string): boolean => Boolean(choices?.some((choice) => choice.key === key));
  const answer = draft?.answer?.trim();
  const submit = (given = answer): void => {
    if (given?.trim() && !result) handle.submit(given.trim());
  };
  useKeys({
    choose: (key) => !result && !paused && has(key) && handle.choose(id, key),
    strike: (key) => !result && !paused && has(key) && handle.strike(id, key),
    hint: () => !result && !paused && !hints.done && !hints.busy && hints.wait === 0 && hints.ask(),
    enter: () => (result ? handle.goOn() : submit()),
  });
  const { diagnosis } = update ?? {};

  return (
    <Card className="ask-card" data-testid="question">
      {practice.mode === "diagnose" && diagnosis && (
        <div className="diagnosis">
          <Meter label="How well we know you" value={Math.min(1, (0.4 / diagnosis.standardError) ** 2)} />
          <small className="soft">{`${diagnosis.asked} answered. It ends when we know you well enough.`}</small>
        </div>
      )}
      <div className="ask-head">
        <p className="soft">{result ? `You took ${clock(result.spent)}.` : question.reason}</p>
        <Timer practice={practice} now={now} onPause={handle.pause} />
      </div>
      {paused ? (
        <div className="paused">
          <p>Time stands still, and the question is covered.</p>
          <Button kind="primary" onClick={handle.pause}>
            Go on
          </Button>
        </div>
      ) : (
        <QuestionView
          question={question}
          draft={draft}
          result={result}
          onChoose={(key) => handle.choose(id, key)}
          onStrike={(key) => handle.strike(id, key)}
          onType={(text) => handle.setDraft(id, { answer: text || null })}
          onEnter={submit}
        >
          {!result && (
            <div className="actions">
              <Button kind="primary" onClick={() => submit()} disabled={!answer} data-testid="submit">
                Check
              </Button>
              <HintButton hints={hints} />
              <Button kind="quiet" onClick={() => onStrategy({ questionId: id })}>
                Strategy
              </Button>
              <Button kind="quiet" className="keys-button" onClick={onKeys}>
                Keys
              </Button>
            </div>
          )}
          {result && (
            <Report question={question} result={result} next={next} online={isConnected} onNext={handle.goOn} />
          )}
          <HintList hints={hints} math={math} />
        </QuestionView>
      )}
    </Card>
  );
}

function KeysHelp({ open, onClose }: { open: boolean; onClose: () => void }): ReactNode {
  const [on, setOn] = useState(keysAreOn);
  return (
    <Dialog title="Keys" open={open} onClose={onClose}>
      <dl className="keys">
        <dt>
          <kbd>A</kbd> to <kbd>D</kbd>
        </dt>
        <dd>choose</dd>
        <dt>
          <kbd>Shift</kbd> + <kbd>A</kbd> to <kbd>D</kbd>
        </dt>
        <dd>cross out</dd>
        <dt>
          <kbd>Enter</kbd>
        </dt>
        <dd>check, then go on</dd>
        <dt>
          <kbd>H</kbd>
        </dt>
        <dd>next hint</dd>
      </dl>
      <label className="check">
        <input
          type="checkbox"
          checked={on}
          onChange={(event) => {
            setKeys(event.target.checked);
            setOn(event.target.checked);
          }}
        />
        Use single letters as keys
      </label>
    </Dialog>
  );
}
