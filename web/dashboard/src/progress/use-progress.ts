/** What the Progress view follows: days and past scores, asked for when they have changed; the newest answers. */

import type { Message, Payloads } from "@bonsai/client";
import { useWebSocket } from "@bonsai/react";
import { useCallback, useEffect, useRef, useState } from "react";

/** Days of practice are asked for this long after an answer, in ms, so that several cost one question. */
const SETTLE = 1500;
/** Answers that are kept. */
const MOST_ANSWERS = 60;

/** Practice by day; undefined until the server has told. */
export function useProgress(days: number): {
  progress: Payloads.AnalyticsProgress | undefined;
  setGoal: (goal: { total?: number | null; perWeek?: number | null }) => Promise<void>;
} {
  const { isConnected, on, request } = useWebSocket();
  const [progress, setProgress] = useState<Payloads.AnalyticsProgress>();
  const utcOffsetMinutes = -Math.round(new Date().getTimezoneOffset() / 15) * 15;
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);

  const ask = useCallback(async (): Promise<void> => {
    const told = (await request("analytics:progress", { days, utcOffsetMinutes })) as Payloads.AnalyticsProgress;
    setProgress(told);
  }, [request, days, utcOffsetMinutes]);

  useEffect(() => {
    if (!isConnected) return undefined;
    const quietly = (): void => void ask().catch(() => undefined); // the connection says what is wrong
    quietly();
    const settle = (): void => {
      timer.current ??= setTimeout(() => {
        timer.current = undefined;
        if (!document.hidden) quietly();
      }, SETTLE);
    };
    const stops = [on("analytics:performance", settle), on("analytics:goal", settle)];
    document.addEventListener("visibilitychange", settle);
    return () => {
      for (const stop of stops) stop();
      document.removeEventListener("visibilitychange", settle);
      clearTimeout(timer.current);
      timer.current = undefined;
    };
  }, [isConnected, on, ask]);

  const setGoal = useCallback(
    async (goal: { total?: number | null; perWeek?: number | null }): Promise<void> => {
      await request("analytics:goal", { ...goal, utcOffsetMinutes });
      await ask();
    },
    [request, ask, utcOffsetMinutes],
  );
  return { progress, setGoal };
}

/** The session's newest answers, oldest first, as they come. */
export function useAnswers(): Payloads.AnalyticsRecorded[] {
  const { on, client } = useWebSocket();
  const [answers, setAnswers] = useState<Payloads.AnalyticsRecorded[]>([]);
  useEffect(
    () =>
      on("analytics:performance", (answer, { room }: Message) => {
        if (room && room !== `session:${client.joined?.sessionId}`) return; // a student whom a tutor watches
        setAnswers((known) => [...known.filter(({ number }) => number < answer.number), answer].slice(-MOST_ANSWERS));
      }),
    [on, client],
  );
  return answers;
}
