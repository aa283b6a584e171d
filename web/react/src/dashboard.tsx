/** `RealTimeDashboard`: a compact live panel. Its look is in styles.css, which an application may leave out. */

"use client";

import type { Auth, Payloads, WebSocketClient } from "@bonsai/client";
import { type ReactNode, useId, useMemo } from "react";
import { useRealTimeAnalytics } from "./use-analytics.ts";
import { useLiveCoaching } from "./use-coaching.ts";
import { useRealTimeRecommendations } from "./use-recommendations.ts";
import { useWebSocket, type WebSocketHandle } from "./use-web-socket.ts";

/** Properties of `RealTimeDashboard`. */
export interface DashboardProps {
  /** Whose numbers. Default: the provider's user; the token's without one. */
  userId?: string | undefined;
  /** The session that is shown. Default: the provider's; one that the server makes without one. */
  sessionId?: string | undefined;
  /** Where to connect. Default: the provider's client, or `/ws` of the page's origin. */
  url?: string | undefined;
  /** How to get in, where there is no provider: `token` or `tokenProvider`. */
  auth?: Pick<Auth, "token" | "tokenProvider" | "expiresAt"> | undefined;
  /** A client that the application made, instead. */
  client?: WebSocketClient | undefined;
  /** Questions and messages shown at most. Default 3. */
  most?: number | undefined;
  /** Called when a recommended question is chosen; without it they are no buttons. */
  onQuestionChosen?: ((question: Payloads.RecsRecommended) => void) | undefined;
  className?: string | undefined;
}

/** A student's live numbers, next questions and coach, with the state of the connection. */
export function RealTimeDashboard(props: DashboardProps): ReactNode {
  const { userId, sessionId, url, auth, client, most = 3, onQuestionChosen, className = "" } = props;
  const config = useMemo(
    () => (url || auth ? { url: url ?? "/ws", auth: { ...auth, userId, sessionId } } : undefined),
    [url, auth, userId, sessionId],
  );
  const source = { client, config };
  const socket = useWebSocket(source);
  const { analytics, isReady } = useRealTimeAnalytics(source);
  const { recommendations, requestRecommendations } = useRealTimeRecommendations(source);
  const { coaching, markRead } = useLiveCoaching(source);
  const title = useId();
  const { joined } = socket.client;
  const isOther = (wanted: string | undefined, is: string | undefined): boolean =>
    wanted !== undefined && wanted !== is;
  const foreign = socket.isConnected && (isOther(userId, joined?.userId) || isOther(sessionId, joined?.sessionId));

  return (
    <section className={`bonsai-dashboard ${className}`.trim()} aria-labelledby={title}>
      <header>
        <h2 id={title}>Live practice</h2>
        <Connection socket={socket} />
      </header>
      {foreign && <p role="alert">This connection is of another user or session.</p>}
      <Numbers analytics={analytics} isReady={isReady} />
      <Questions
        questions={recommendations.slice(0, most)}
        onChosen={onQuestionChosen}
        onMore={() => requestRecommendations()}
      />
      <Coach messages={coaching.messages.slice(-most)} unread={coaching.unread} onRead={() => markRead()} />
    </section>
  );
}

const STATES = {
  idle: "Not connected",
  connecting: "Connecting",
  joined: "Connected",
  waiting: "Offline, trying again",
  closed: "Disconnected",
};

function Connection({ socket }: { socket: WebSocketHandle }): ReactNode {
  const { state, pending, error } = socket;
  const waiting = state !== "joined" && pending > 0 ? `, ${pending} to send` : "";
  const why = state === "closed" && error ? `: ${error.message}` : "";
  return (
    <p className="bonsai-connection" data-state={state}>
      <span role="status">{`${STATES[state]}${waiting}${why}`}</span>
      {state === "closed" && (
        <button type="button" onClick={() => socket.connect()}>
          Connect
        </button>
      )}
    </p>
  );
}

function Numbers({ analytics, isReady }: { analytics: Payloads.AnalyticsUpdate; isReady: boolean }): ReactNode {
  const { currentSession, performance, score } = analytics;
  const { questionsAnswered, correctAnswers, streakCount, bestStreak } = currentSession;
  const range = score?.total === undefined ? undefined : `${score.low} to ${score.high}`;
  return (
    <dl className="bonsai-numbers" aria-busy={!isReady}>
      <Figure name="Score" value={score?.total ?? "–"} note={range ?? "after 10 answers in each section"} />
      <Figure name="Streak" value={streakCount} note={`best ${bestStreak}`} />
      <Figure name="Right" value={`${correctAnswers} of ${questionsAnswered}`} note="this session" />
      <Figure name="Overall" value={isReady ? `${Math.round(performance.overall * 100)} %` : "–"} note="mastery" />
    </dl>
  );
}

function Figure({ name, value, note }: { name: string; value: ReactNode; note: string }): ReactNode {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <strong>{value}</strong> <small>{note}</small>
      </dd>
    </div>
  );
}

interface QuestionsProps {
  questions: Payloads.RecsRecommended[];
  onChosen: DashboardProps["onQuestionChosen"];
  onMore: () => void;
}

function Questions({ questions, onChosen, onMore }: QuestionsProps): ReactNode {
  const title = useId();
  return (
    <section aria-labelledby={title}>
      <header>
        <h3 id={title}>Next questions</h3>
        <button type="button" onClick={onMore}>
          Suggest anew
        </button>
      </header>
      {questions.length === 0 && <p>None yet.</p>}
      <ol className="bonsai-questions">
        {questions.map((question) => (
          <li key={question.id}>
            {onChosen ? (
              <button type="button" onClick={() => onChosen(question)}>
                {question.skill}
              </button>
            ) : (
              <strong>{question.skill}</strong>
            )}
            <small>{`difficulty ${question.difficulty} of 5`}</small>
            <p>{question.reason}</p>
          </li>
        ))}
      </ol>
    </section>
  );
}

interface CoachProps {
  messages: Payloads.CoachingMessage[];
  unread: number;
  onRead: () => void;
}

function Coach({ messages, unread, onRead }: CoachProps): ReactNode {
  const title = useId();
  return (
    <section aria-labelledby={title}>
      <header>
        <h3 id={title}>Coach {unread > 0 && <span className="bonsai-unread">{`${unread} unread`}</span>}</h3>
        {unread > 0 && (
          <button type="button" onClick={onRead}>
            Mark as read
          </button>
        )}
      </header>
      {messages.length === 0 && <p>Nothing yet.</p>}
      <div role="log" aria-labelledby={title}>
        <ul className="bonsai-messages">
          {messages.map((message) => (
            <li key={message.id} data-type={message.type} data-unread={!message.isRead}>
              <p>{message.message}</p>
              <small>{message.reason}</small>
            </li>
          ))}
        </ul>
      </div>
    </section>
  );
}
