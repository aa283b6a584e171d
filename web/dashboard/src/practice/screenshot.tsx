/** A screenshot that is dropped, pasted or picked, and how its analysis streams in: stages, what is read so far, the question with insights. */

import type { Payloads } from "@bonsai/client";
import { useWebSocket } from "@bonsai/react";
import { type ReactNode, useCallback, useEffect, useRef, useState, useSyncExternalStore } from "react";
import { Line, Rich } from "../text/rich.tsx";
import { Badge, Button, Card, Icon, Meter, useToast } from "../ui/index.ts";
import { type Analysis, type AnalysisDesk, analysesOf } from "./analyses.ts";
import { HintButton, HintList, useHints } from "./hints.tsx";
import "./screenshot.css";

const TYPES = ["image/png", "image/jpeg", "image/webp"];
const STAGES: Record<string, string> = {
  received: "Received, and waiting for its turn",
  decode: "Finding the question",
  locate: "Reading",
  ocr: "Sorting out the lines",
  layout: "Sorting out the parts",
  structure: "Comparing with known questions",
  match: "Recognising the skill",
  classify: "Gathering insights",
  insights: "Nearly done",
};

/** The analysis that is shown, and where pictures are handed in. */
export function useAnalysis(): [Analysis | undefined, AnalysisDesk] {
  const { client } = useWebSocket();
  const desk = analysesOf(client);
  return [useSyncExternalStore(desk.subscribe, desk.get), desk];
}

/** Takes pictures that are pasted or dropped anywhere on the page. Returns whether one is over it just now. */
export function usePictures(onPicture: (picture: File) => void): boolean {
  const [over, setOver] = useState(false);
  const toast = useToast();
  const take = useRef(onPicture);
  take.current = onPicture;
  useEffect(() => {
    const given = (files: FileList | undefined): boolean => {
      const file = files?.[0];
      if (!file) return false;
      if (TYPES.includes(file.type)) take.current(file);
      else toast({ text: "Only PNG, JPEG and WebP pictures can be read.", tone: "warn" });
      return true;
    };
    const pasted = (event: ClipboardEvent): void => {
      if (given(event.clipboardData?.files)) event.preventDefault();
    };
    const dragged = (event: DragEvent): void => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      setOver(event.type === "dragover");
    };
    const left = (event: DragEvent): void => {
      if (!event.relatedTarget) setOver(false);
    };
    const dropped = (event: DragEvent): void => {
      event.preventDefault();
      setOver(false);
      given(event.dataTransfer?.files);
    };
    addEventListener("paste", pasted);
    addEventListener("dragover", dragged);
    addEventListener("dragleave", left);
    addEventListener("drop", dropped);
    return () => {
      removeEventListener("paste", pasted);
      removeEventListener("dragover", dragged);
      removeEventListener("dragleave", left);
      removeEventListener("drop", dropped);
    };
  }, [toast]);
  return over;
}

/** The button that picks a picture. */
export function PickPicture({ onPicture }: { onPicture: (picture: File) => void }): ReactNode {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <Button onClick={() => input.current?.click()} title="Or drop or paste a picture anywhere on this page">
        <Icon name="camera" /> <span className="wide-only">Screenshot</span>
        <span className="sr-only narrow-only">Screenshot</span>
      </Button>
      <input
        ref={input}
        type="file"
        hidden
        accept={TYPES.join(",")}
        data-testid="picture"
        onChange={(event) => {
          const file = event.target.files?.[0];
          event.target.value = "";
          if (file) onPicture(file);
        }}
      />
    </>
  );
}

/** The analysis under way, or what came of it. */
export function AnalysisCard({ analysis, desk }: { analysis: Analysis; desk: AnalysisDesk }): ReactNode {
  const { state, stage, fraction, partial, found, problem, picture } = analysis;
  const { isConnected } = useWebSocket();
  const over = state === "done" || state === "failed";
  const cancel = useCallback(() => desk.cancel(), [desk]);
  const said = over ? "" : stage ? (STAGES[stage] ?? stage) : isConnected ? "On its way" : "Waits until you are online";
  return (
    <Card
      title="Your screenshot"
      className="analysis"
      data-testid="analysis"
      data-state={state}
      aside={
        <Button kind="quiet" onClick={over ? () => desk.close() : cancel}>
          {over ? "Close" : "Cancel"}
        </Button>
      }
    >
      <div className="analysis-body">
        {picture && <img className="analysis-picture" src={picture} alt="What you sent" />}
        <div className="analysis-text">
          {!over && (
            <>
              <Meter label="Analysis" value={state === "waiting" ? undefined : fraction} />
              <p role="status" className="soft">
                {said}…
              </p>
              <Partial partial={partial} />
            </>
          )}
          {problem && <p role="alert">{problem}</p>}
          {found && <Found found={found} questionId={analysis.questionId} />}
        </div>
      </div>
    </Card>
  );
}

/** What is known so far. */
function Partial({ partial }: { partial: Record<string, unknown> }): ReactNode {
  const { text, stem, section, skill } = partial as Record<string, string | undefined>;
  return (
    <div className="analysis-partial">
      {(skill || section) && <Badge>{skill || section}</Badge>}
      {(stem || text) && <p className="reading">{stem || text}</p>}
    </div>
  );
}

const LEVELS = ["easy", "medium", "hard"] as const;

function Found({ found, questionId }: { found: Payloads.VisionQuestionAnalysis; questionId: string }): ReactNode {
  const {
    passage,
    stem,
    choices = [],
    section,
    skill,
    difficulty,
    insights = [],
    text,
    confidence,
    matchedQuestionId,
  } = found;
  const [opened, setOpened] = useState(0);
  const hints = useHints(questionId, opened, setOpened);
  if (!stem) {
    return (
      <>
        <p role="status">No question was found on this picture.</p>
        {text && <p className="soft reading">{text}</p>}
      </>
    );
  }
  const math = section === "Math";
  const level = difficulty && [...LEVELS].sort((a, b) => (difficulty[b] ?? 0) - (difficulty[a] ?? 0))[0];
  const sure = confidence?.skill;
  return (
    <>
      <p className="analysis-tags" role="status">
        {section && section !== "unknown" && <Badge>{section}</Badge>}
        {skill && skill !== "unknown" && (
          <Badge tone="good">
            {skill}
            {sure !== undefined && ` · ${Math.round(sure * 100)} % sure`}
          </Badge>
        )}
        {level && <Badge>{level}</Badge>}
        {matchedQuestionId && <Badge tone="accent">from our bank</Badge>}
      </p>
      {passage && (
        <div className="reading">
          <Rich text={passage} math={math} />
        </div>
      )}
      <div className="stem reading">
        <Rich text={stem} math={math} />
      </div>
      {choices.length > 0 && (
        <ol className="analysis-choices">
          {choices.map(({ key, text: choice }) => (
            <li key={key}>
              <span className="choice-key">{key}</span>
              <span className="reading">
                <Line text={choice} math={math} />
              </span>
            </li>
          ))}
        </ol>
      )}
      <Insights insights={insights} math={math} />
      <HintList hints={hints} math={math} />
      <div className="actions">
        <HintButton hints={hints} />
      </div>
    </>
  );
}

const INSIGHTS: Record<string, string> = {
  goal: "What is asked",
  quantity: "What is given",
  first_step: "First step",
  strategy: "A way to go",
  trap: "Mind the trap",
  pace: "Pace",
};

/** What there is to say about the question, by kind. */
function Insights({ insights, math }: { insights: Payloads.VisionInsight[]; math: boolean }): ReactNode {
  const kinds = [...new Set(insights.map(({ kind }) => kind))];
  return (
    <dl className="insights">
      {kinds.map((kind) => (
        <div key={kind} data-kind={kind}>
          <dt>{INSIGHTS[kind] ?? kind}</dt>
          {insights
            .filter((insight) => insight.kind === kind)
            .map(({ text }) => (
              <dd key={text}>
                <Rich text={text} math={math} />
              </dd>
            ))}
        </div>
      ))}
    </dl>
  );
}
