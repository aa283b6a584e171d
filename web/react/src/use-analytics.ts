/** `useRealTimeAnalytics`: how the student is doing. */

"use client";

import type { Acks, BonsaiError, Payloads } from "@bonsai/client";
import { useCallback, useEffect } from "react";
import type { ClientSource } from "./context.tsx";
import { useLive } from "./use-live.ts";

/** Options of `useRealTimeAnalytics`. */
export interface AnalyticsOptions extends ClientSource {
  /** Start the session when mounted. Default true. */
  autoStart?: boolean | undefined;
  /**
   * How often to ask for `progress` (practice by day, skills, scores), in milliseconds, while the page is seen. 0, the
   * default: never. The other numbers come by themselves, after each answer.
   */
  updateInterval?: number | undefined;
}

/** More about an answer. */
export interface AnswerDetails {
  /** Default: the question's own, if a bank knows it. */
  skill?: string | undefined;
  /** What was chosen or typed: the server grades it when `correct` is undefined. */
  answer?: string | undefined;
  subject?: string | undefined;
}

/** What `useRealTimeAnalytics` returns. */
export interface AnalyticsHandle {
  /** This session, performance over all, predicted score, trend. Zeros until `isReady`. */
  analytics: Payloads.AnalyticsUpdate;
  /** Practice by day: see `updateInterval`. */
  progress: Payloads.AnalyticsProgress | undefined;
  /** What the session came to, once it has ended. */
  summary: Record<string, unknown> | undefined;
  isReady: boolean;
  isConnected: boolean;
  error: BonsaiError | undefined;
  /**
   * Record an answer: whether it was right, undefined for the server to grade `details.answer`, and the seconds that it
   * took. It counts once, however often the connection fails, and waits as long as it is offline.
   */
  recordAnswer: (
    questionId: string,
    correct: boolean | undefined,
    seconds: number,
    details?: AnswerDetails,
  ) => Promise<Acks["analytics:performance"]>;
  /** Connect, and resolve with the numbers to begin with. */
  startSession: () => Promise<Payloads.AnalyticsUpdate>;
  /** End the session on all devices, and resolve with its summary. The next one needs a `sessionId` of its own. */
  endSession: (reason?: string) => Promise<Record<string, unknown>>;
}

/** The student's numbers, updated after each answer on any of their devices. */
export function useRealTimeAnalytics(options: AnalyticsOptions = {}): AnalyticsHandle {
  const { autoStart = true, updateInterval = 0 } = options;
  const { live, isConnected, state, error, act } = useLive(options, autoStart, (of) => of.analytics);

  const recordAnswer = useCallback<AnalyticsHandle["recordAnswer"]>(
    (questionId, correct, seconds, details = {}) =>
      act((client) => {
        const answer = { questionId, correct, timeSpent: seconds, ...details };
        return client.request("analytics:performance", answer, { timeout: 0 });
      }),
    [act],
  );

  const startSession = useCallback(
    () =>
      act(async (client) => {
        await client.connect();
        return (await live.analytics.when(({ isReady }) => isReady)).analytics;
      }),
    [live, act],
  );

  const endSession = useCallback(
    (reason?: string) => act(async (client) => (await client.request("session:end", { reason })).summary),
    [act],
  );

  useEffect(() => {
    if (!updateInterval || !isConnected) return undefined;
    const ask = (): void => {
      if (!document.hidden) act((client) => client.request("analytics:progress")).catch(() => undefined);
    };
    ask();
    const timer = setInterval(ask, updateInterval);
    return () => clearInterval(timer);
  }, [updateInterval, isConnected, act]);

  return { ...state, isConnected, error, recordAnswer, startSession, endSession };
}
