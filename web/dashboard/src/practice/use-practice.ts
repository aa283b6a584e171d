/** Practice, for the view: what is before the student, and what they can do. In step with all their windows. */

import type { BonsaiError, Payloads } from "@bonsai/client";
import { useLiveCoaching, useRealTimeRecommendations, useWebSocket } from "@bonsai/react";
import { useCallback, useEffect, useMemo, useRef } from "react";
import { useServerClock, useShared } from "../shared/hooks.ts";
import type { Patch } from "../shared/merge.ts";
import { useToast } from "../ui/index.ts";
import { useGrades } from "./grades.ts";
import {
  begin,
  choose,
  type Draft,
  type Mode,
  type Practice,
  practiceIn,
  type Question,
  type Result,
  requestFor,
  type Subject,
  secondsSpent,
  strike,
  togglePause,
  UNGRADED,
  upNext,
  wish,
} from "./model.ts";

/** A question that was left so long ago has its time counted anew, in milliseconds. */
const STALE = 30 * 60_000;
/** How long the window that gave an answer may take to tell the others how it went, in milliseconds. */
const PATIENCE = 3000;

/** What `usePractice` returns. */
export interface PracticeHandle {
  practice: Practice;
  /** False until the server has told what the student's other windows see. */
  known: boolean;
  update: Payloads.RecsUpdate | undefined;
  /** Of the question before the student. */
  draft: Draft | undefined;
  result: Result | undefined;
  next: Question | undefined;
  /** Now, by the server's clock. */
  now: () => number;
  /** Change what windows have in common. */
  patch: (patch: Patch) => void;
  setMode: (mode: Mode) => void;
  setSubject: (subject: Subject) => void;
  setDraft: (id: string, patch: Patch) => void;
  choose: (id: string, key: string) => void;
  strike: (id: string, key: string) => void;
  submit: (answer: string) => void;
  goOn: () => void;
  pause: () => void;
  /** Send an answer; resolves once it is graded, however long that takes. */
  send: (id: string, answer: string, seconds: number) => Promise<{ correct: boolean; explanation?: string }>;
  requestAgain: () => void;
}

export function usePractice(): PracticeHandle {
  const { isConnected, request } = useWebSocket();
  const [{ state, known }, shared] = useShared();
  const practice = useMemo(() => practiceIn(state), [state]);
  const { update, requestRecommendations } = useRealTimeRecommendations({ autoRequest: false });
  const { focus } = useLiveCoaching();
  const now = useServerClock();
  const toast = useToast();
  const latest = useRef({ practice, update });
  latest.current = { practice, update };

  const patch = useCallback((change: Patch) => shared.patch({ practice: change }), [shared]);
  const { question } = practice;

  const ask = useCallback(() => {
    requestRecommendations(requestFor(latest.current.practice)).catch((error: BonsaiError) => {
      if (error.code !== "timeout" && error.code !== "closed") toast({ text: error.message, tone: "bad" });
    });
  }, [requestRecommendations, toast]);

  const show = useCallback(
    (one: Question) => {
      patch(begin(latest.current.practice, one, now()));
      focus(one.id, { skill: one.skill, expectedSeconds: one.expectedSeconds }).catch(() => undefined);
    },
    [patch, focus, now],
  );

  // Recommendations for what the windows agreed on, once.
  const asked = useRef(false);
  useEffect(() => {
    if (!known || !isConnected || asked.current || latest.current.update) return;
    asked.current = true;
    ask();
  }, [known, isConnected, ask]);

  // The first question: whichever window is first puts it before the student.
  const next = upNext(practice, update);
  const wanted = known && isConnected && practice.mode !== "mock" && !question ? next : undefined;
  useEffect(() => {
    if (!wanted) return;
    shared
      .claim({ practice: begin(latest.current.practice, wanted, now()) })
      .then((first) => first && focus(wanted.id, { skill: wanted.skill, expectedSeconds: wanted.expectedSeconds }))
      .catch(() => undefined);
  }, [wanted, shared, now, focus]);

  // A question of another day was not looked at all night.
  useEffect(() => {
    const { since, pausedAt, results } = latest.current.practice;
    if (!known || !question || since === undefined || pausedAt !== undefined || question.id in results) return;
    if (now() - since > STALE) patch({ since: now() });
  }, [known, question, now, patch]);

  // Time stands still while the page is not seen, unless the student goes on in another window.
  useEffect(() => {
    let left: { at: number; version: number } | undefined;
    const changed = (): void => {
      if (document.hidden) left = { at: now(), version: shared.get().version };
      else if (left) {
        const away = now() - left.at;
        const { since, pausedAt, results } = latest.current.practice;
        const open = question && !(question.id in results) && since !== undefined && pausedAt === undefined;
        if (open && away > 5000 && shared.get().version === left.version) patch({ since: since + away });
        left = undefined;
      }
    };
    document.addEventListener("visibilitychange", changed);
    return () => document.removeEventListener("visibilitychange", changed);
  }, [question, now, patch, shared]);

  const send = useCallback<PracticeHandle["send"]>(
    (id, answer, seconds) => {
      return request("analytics:performance", { questionId: id, answer, timeSpent: seconds }, { timeout: 0 });
    },
    [request],
  );

  const submit = useCallback(
    (answer: string) => {
      const { practice: current } = latest.current;
      const { question: asked } = current;
      if (!asked || asked.id in current.results) return;
      const { id } = asked;
      const spent = Math.round(secondsSpent(current, now()));
      patch({ results: { [id]: { answer, spent } }, drafts: { [id]: null }, trail: { [id]: UNGRADED } });
      send(id, answer, spent).then(
        ({ correct, explanation }) => {
          const here = latest.current.practice.question?.id === id;
          const told = { results: { [id]: { correct, ...(explanation && { explanation }) } } };
          patch({ trail: { [id]: correct ? 1 : 0 }, ...(here && told) });
        },
        (error: BonsaiError) => {
          if (error.code === "closed") return; // the page is left; what is kept is sent by the next one
          patch({ results: { [id]: null }, trail: { [id]: null } });
          toast({ text: `Your answer was not taken: ${error.message}`, tone: "bad" });
        },
      );
    },
    [patch, send, now, toast],
  );

  // An answer of a window that is gone, which cannot tell how it went any more.
  const grades = useGrades();
  useEffect(() => {
    const open = Object.keys(practice.trail).filter((id) => practice.trail[id] === UNGRADED && grades.has(id));
    if (open.length === 0) return undefined;
    const timer = setTimeout(() => {
      for (const id of open) {
        const correct = grades.get(id) as boolean;
        const here = id in latest.current.practice.results;
        patch({ trail: { [id]: correct ? 1 : 0 }, ...(here && { results: { [id]: { correct } } }) });
      }
    }, PATIENCE);
    return () => clearTimeout(timer);
  }, [practice.trail, grades, patch]);

  const goOn = useCallback(() => {
    const { practice: current, update: list } = latest.current;
    const one = upNext(current, list);
    if (one) show(one);
    else ask();
  }, [show, ask]);

  const change = useCallback(
    (to: { mode?: Mode; subject?: Subject }) => {
      const { practice: current, update: list } = latest.current;
      patch(wish(current, to, list?.revision ?? current.after));
      requestRecommendations(requestFor({ ...current, ...to })).catch((error: BonsaiError) =>
        toast({ text: error.message, tone: "bad" }),
      );
    },
    [patch, requestRecommendations, toast],
  );

  const setDraft = useCallback((id: string, draft: Patch) => patch({ drafts: { [id]: draft } }), [patch]);

  return {
    practice,
    known,
    update,
    draft: question && practice.drafts[question.id],
    result: question && practice.results[question.id],
    next,
    now,
    patch,
    setMode: useCallback((mode: Mode) => change({ mode }), [change]),
    setSubject: useCallback((subject: Subject) => change({ subject }), [change]),
    setDraft,
    choose: useCallback((id, key) => setDraft(id, choose(latest.current.practice.drafts[id], key)), [setDraft]),
    strike: useCallback((id, key) => setDraft(id, strike(latest.current.practice.drafts[id], key)), [setDraft]),
    submit,
    goOn,
    pause: useCallback(() => patch(togglePause(latest.current.practice, now())), [patch, now]),
    send,
    requestAgain: ask,
  };
}
