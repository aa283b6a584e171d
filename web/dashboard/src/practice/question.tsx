/** A question: passage and figure at the left, what is asked and the choices at the right; below one another where it is narrow. */

import { type ReactNode, useEffect, useId, useRef, useState } from "react";
import { Figure } from "../text/figure.tsx";
import { Line, Rich } from "../text/rich.tsx";
import { Badge, Button, Icon } from "../ui/index.ts";
import type { Draft, Question, Result } from "./model.ts";
import "./question.css";

/** Properties of `QuestionView`. */
export interface QuestionProps {
  question: Question;
  draft: Draft | undefined;
  /** The answer that was given: nothing can be changed any more. */
  result?: Result | undefined;
  onChoose: (key: string) => void;
  onStrike: (key: string) => void;
  /** The answer as it is typed. */
  onType: (answer: string) => void;
  /** Enter was pressed in the field, with this in it. */
  onEnter: (answer: string) => void;
  /** Below the answer: buttons, hints, the explanation. */
  children?: ReactNode;
}

export function QuestionView(props: QuestionProps): ReactNode {
  const { question, children } = props;
  const { section, skill, passage, figure, stem } = question;
  const math = section === "Math";
  const title = useId();
  const heading = useRef<HTMLHeadingElement>(null);
  const first = useRef(question.id);
  useEffect(() => {
    if (first.current === question.id) return;
    first.current = question.id;
    const article = heading.current?.closest("article");
    const focused = document.activeElement;
    // The new question is read from its beginning, unless this window's reader is at something else.
    if (article && focused && !focused.contains(article) && !article.contains(focused)) return;
    heading.current?.focus({ preventScroll: true });
    if ((article?.getBoundingClientRect().top ?? 0) < 0) article?.scrollIntoView();
  }, [question.id]);
  const beside = Boolean(passage || figure);
  return (
    <article className="question" data-beside={beside} aria-labelledby={title} data-question={question.id}>
      {beside && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a long passage is scrolled by the keyboard too
        <section className="passage reading" aria-label={passage ? "Passage" : "Figure"} tabIndex={0}>
          {passage && <Rich text={passage} math={math} />}
          {figure && <Figure svg={figure} />}
        </section>
      )}
      <section className="asked" aria-label="Question">
        <h2 className="asked-head" id={title} tabIndex={-1} ref={heading}>
          <span>{skill}</span>
          <Badge>{`Level ${question.difficulty} of 5`}</Badge>
        </h2>
        <div className="stem reading" data-testid="stem">
          <Rich text={stem} math={math} />
        </div>
        {question.choices?.length ? <Choices {...props} math={math} /> : <Typed key={question.id} {...props} />}
        {children}
      </section>
    </article>
  );
}

function Choices({ question, draft, result, onChoose, onStrike, math }: QuestionProps & { math: boolean }): ReactNode {
  const given = result?.answer ?? draft?.answer;
  const graded = result?.correct === undefined ? undefined : result.correct ? "right" : "wrong";
  return (
    <fieldset className="choices" disabled={Boolean(result)}>
      <legend className="sr-only">Choices</legend>
      {question.choices?.map(({ key, text }) => {
        const struck = Boolean(draft?.struck?.[key]);
        const on = given === key;
        return (
          <div key={key} className="choice" data-on={on} data-struck={struck} data-graded={on ? graded : undefined}>
            <label>
              <input type="radio" name={question.id} value={key} checked={on} onChange={() => onChoose(key)} />
              <span className="choice-key" aria-hidden="true">
                {key}
              </span>
              <span className="choice-text reading">
                <span className="sr-only">{`${key}: `}</span>
                <Line text={text} math={math} />
                {struck && <span className="sr-only"> (crossed out)</span>}
                {on && graded && <span className="sr-only">{` (your answer, ${graded})`}</span>}
              </span>
            </label>
            {!result && (
              <button
                type="button"
                className="choice-strike"
                aria-pressed={struck}
                aria-label={`Cross out ${key}`}
                title={struck ? "Take back" : `Cross out (Shift+${key})`}
                onClick={() => onStrike(key)}
              >
                <Icon name="strike" />
              </button>
            )}
          </div>
        );
      })}
    </fieldset>
  );
}

/** How long to wait for the next letter before the other windows are told, in milliseconds. */
const PAUSE = 400;

function Typed({ draft, result, onType, onEnter }: QuestionProps): ReactNode {
  const shared = result?.answer ?? draft?.answer ?? "";
  const [own, setOwn] = useState<string>();
  const note = useId();
  const tell = useRef(onType);
  tell.current = onType;
  useEffect(() => {
    if (own === undefined) return undefined;
    const timer = setTimeout(() => {
      tell.current(own);
      setOwn(undefined);
    }, PAUSE);
    return () => clearTimeout(timer);
  }, [own]);
  return (
    <form
      className="typed"
      onSubmit={(event) => {
        event.preventDefault();
        if (own !== undefined) tell.current(own);
        setOwn(undefined);
        onEnter(own ?? shared);
      }}
    >
      <label className="field">
        Your answer
        <input
          className="input"
          value={own ?? shared}
          disabled={Boolean(result)}
          maxLength={24}
          autoComplete="off"
          spellCheck={false}
          aria-describedby={note}
          data-graded={result?.correct === undefined ? undefined : result.correct ? "right" : "wrong"}
          onChange={(event) => setOwn(event.target.value)}
          onBlur={() => own !== undefined && tell.current(own)}
        />
      </label>
      <small id={note} className="soft">
        A number: whole, with a point, or a fraction such as 3/4.
      </small>
    </form>
  );
}

/** Properties of `Report`. */
export interface ReportProps {
  question: Question;
  result: Result;
  /** Why the next question comes; undefined where there is none at hand. */
  next: Question | undefined;
  online: boolean;
  onNext: () => void;
}

/** How the answer was, why, and what comes next. */
export function Report({ question, result, next, online, onNext }: ReportProps): ReactNode {
  const { correct, explanation } = result;
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    // The choices are disabled now, and had the focus: Enter goes on from here.
    if (!document.activeElement || document.activeElement === document.body) button.current?.focus();
  }, []);
  const tone = correct === undefined ? "open" : correct ? "right" : "wrong";
  return (
    <div className="report" data-tone={tone}>
      <div role="status">
        <h3>
          {correct === undefined ? (
            online ? (
              "Looking…"
            ) : (
              "Saved"
            )
          ) : correct ? (
            <>
              <Icon name="check" /> Right
            </>
          ) : (
            "Not quite"
          )}
        </h3>
        {correct === undefined && !online && (
          <p>Your answer is kept here, and goes out as soon as you are back online. You can go on meanwhile.</p>
        )}
        {explanation && (
          <div className="explanation reading">
            <Rich text={explanation} math={question.section === "Math"} />
          </div>
        )}
      </div>
      <div className="report-next">
        <Button kind="primary" onClick={onNext} ref={button} data-testid="next">
          Next question <Icon name="arrow" />
        </Button>
        {next && (
          <p className="soft">
            <strong>{next.skill}.</strong> {next.reason}
          </p>
        )}
        {!next && !online && <p className="soft">That was the last one at hand. More come when you are back online.</p>}
      </div>
    </div>
  );
}
