/** The coach: what it says by itself, what the student asks it, and what its buttons do. */

import type { Payloads } from "@bonsai/client";
import { useLiveCoaching } from "@bonsai/react";
import { type FormEvent, type ReactNode, useEffect, useRef, useState } from "react";
import { Rich } from "../text/rich.tsx";
import { Button, Dialog } from "../ui/index.ts";
import { type Said, useSaid } from "./said.ts";
import "./coach.css";

/** How long unread messages have to be in sight to count as read, in milliseconds. */
const READING = 1500;

/** Properties of `Coach`. */
export interface CoachProps {
  questionId: string | undefined;
  onAction: (action: Payloads.CoachingAction, message: Payloads.CoachingMessage) => void;
}

type Entry = { at: number; id: string } & ({ coach: Payloads.CoachingMessage } | { own: Said });

export function Coach({ questionId, onAction }: CoachProps): ReactNode {
  const { coaching, markRead, isConnected } = useLiveCoaching();
  const [said, say] = useSaid();
  const entries = together(coaching.messages, said);
  const list = useRef<HTMLDivElement>(null);
  const end = entries.at(-1);
  const length = end && "coach" in end ? end.coach.message.length : 0;

  // biome-ignore lint/correctness/useExhaustiveDependencies: whenever something is added
  useEffect(() => {
    list.current?.scrollTo({ top: list.current.scrollHeight });
  }, [end?.id, length]);

  useEffect(() => {
    if (coaching.unread === 0 || !isConnected) return undefined;
    const timer = setTimeout(() => {
      if (!document.hidden) markRead().catch(() => undefined);
    }, READING);
    return () => clearTimeout(timer);
  }, [coaching.unread, isConnected, markRead]);

  return (
    <div className="coach">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it is scrolled by the keyboard too */}
      <div className="coach-log" role="log" aria-label="Messages" ref={list} tabIndex={0}>
        {entries.length === 0 && (
          <p className="soft">
            The coach speaks up when it can help. You can also ask: “How do I start?”, “What does this test?”
          </p>
        )}
        {entries.map((entry) =>
          "coach" in entry ? (
            <CoachMessage key={entry.id} message={entry.coach} onAction={onAction} />
          ) : (
            <OwnMessage key={entry.id} said={entry.own} />
          ),
        )}
      </div>
      {coaching.quiet ? (
        <p className="soft">A timed module is under way: the coach is quiet.</p>
      ) : (
        <Ask onAsk={(text) => say(text, questionId)} />
      )}
    </div>
  );
}

function together(messages: Payloads.CoachingMessage[], said: Said[]): Entry[] {
  const known = new Set(messages.map(({ id }) => id));
  const entries: Entry[] = [
    ...messages.map((coach) => ({ at: coach.createdAt, id: coach.id, coach })),
    ...said.filter(({ id }) => !known.has(id)).map((own) => ({ at: own.createdAt, id: own.id, own })),
  ];
  // What is said and answered in one millisecond keeps its order: sort is stable, and questions come first.
  return entries.sort((a, b) => a.at - b.at || Number("coach" in a) - Number("coach" in b));
}

function CoachMessage({
  message,
  onAction,
}: { message: Payloads.CoachingMessage } & Pick<CoachProps, "onAction">): ReactNode {
  const { sender = "coach", author, actions, reason, part } = message;
  if (sender === "student") return <OwnMessage said={{ id: message.id, text: message.message, createdAt: 0 }} />;
  return (
    <div className="says" data-type={message.type} aria-busy={part !== undefined}>
      {sender === "tutor" && <small className="soft">{`${author ?? "Your tutor"} writes`}</small>}
      <Rich text={message.message} math />
      {actions && part === undefined && (
        <div className="says-actions">
          {actions.map((action) => (
            <Button key={action.action + action.label} kind="quiet" onClick={() => onAction(action, message)}>
              {action.label}
            </Button>
          ))}
        </div>
      )}
      {reason !== "You asked." && <small className="soft">{reason}</small>}
    </div>
  );
}

function OwnMessage({ said }: { said: Said }): ReactNode {
  return (
    <div className="says says-own">
      <span className="sr-only">You: </span>
      <p>{said.text}</p>
      {said.waiting && <small>Waits to be sent</small>}
      {said.problem && <small>{said.problem}</small>}
    </div>
  );
}

function Ask({ onAsk }: { onAsk: (text: string) => void }): ReactNode {
  const [text, setText] = useState("");
  const ask = (event: FormEvent): void => {
    event.preventDefault();
    if (!text.trim()) return;
    onAsk(text.trim());
    setText("");
  };
  return (
    <form className="ask" onSubmit={ask}>
      <input
        className="input"
        aria-label="Ask the coach"
        placeholder="Ask the coach"
        value={text}
        maxLength={1000}
        onChange={(event) => setText(event.target.value)}
      />
      <Button kind="primary" type="submit" disabled={!text.trim()}>
        Send
      </Button>
    </form>
  );
}

/** How a good tutor would teach the topic. */
export function Strategy({
  strategy,
  onClose,
}: {
  strategy: Payloads.CoachingStrategy | undefined;
  onClose: () => void;
}): ReactNode {
  return (
    <Dialog title={strategy?.title ?? "Strategy"} open={Boolean(strategy)} onClose={onClose}>
      {strategy && (
        <div className="strategy reading">
          <p className="soft">{strategy.when}</p>
          <ol>
            {strategy.steps.map((step) => (
              <li key={step}>
                <Rich text={step} math />
              </li>
            ))}
          </ol>
          <h3>Mind the trap</h3>
          <Rich text={strategy.trap} math />
          <h3>For example</h3>
          <Rich text={strategy.example} math />
        </div>
      )}
    </Dialog>
  );
}
