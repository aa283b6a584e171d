/** `useLiveCoaching`: hints, strategies, and what the coach says. */

"use client";

import type { Acks, BonsaiError, Payloads } from "@bonsai/client";
import { useCallback, useEffect } from "react";
import type { ClientSource } from "./context.tsx";
import type { CoachingState } from "./live.ts";
import { useLive } from "./use-live.ts";
import { useLatest } from "./use-web-socket.ts";

/** Options of `useLiveCoaching`. */
export interface CoachingOptions extends ClientSource {
  /** Connect when mounted: the messages so far come by themselves. Default true. */
  autoStart?: boolean | undefined;
  /** Called with each message that is complete. */
  onMessageReceived?: ((message: Payloads.CoachingMessage) => void) | undefined;
}

/** What `useLiveCoaching` returns. */
export interface CoachingHandle {
  /** Messages, hints by question, the latest strategy, whether the coach is quiet. */
  coaching: CoachingState;
  isConnected: boolean;
  /** Why the latest action failed: `too_soon` and `retryAfterMs` when the next hint is not open yet. */
  error: BonsaiError | undefined;
  /** The next hint for a question, or one that was shown before by its `rung`, from 1. */
  requestHint: (questionId: string, options?: { rung?: number; skill?: string }) => Promise<Acks["coaching:hint"]>;
  /** The strategy of a question by its id, or of `{skill}`: a skill, or `pacing`, `guessing`, `test day`. */
  requestStrategy: (about: string | { skill: string }) => Promise<Acks["coaching:strategy"]>;
  /** How many messages are unread, on whichever device they are read. */
  getUnreadCount: () => number;
  /** Take messages as read on all devices; all of them without ids. */
  markRead: (ids?: string[]) => Promise<Acks["coaching:read"]>;
  /** Write to the coach; the answer comes as a message with the id `reply`. */
  send: (text: string, questionId?: string) => Promise<Acks["coaching:message"]>;
  /** This question is now before the student. */
  focus: (questionId: string, details?: { skill?: string; expectedSeconds?: number }) => Promise<unknown>;
}

/** The coach: what it says by itself, and what it says when asked. */
export function useLiveCoaching(options: CoachingOptions = {}): CoachingHandle {
  const { autoStart = true, onMessageReceived } = options;
  const { client, live, isConnected, state, error, act } = useLive(options, autoStart, (of) => of.coaching);

  const received = useLatest(onMessageReceived);
  useEffect(
    () =>
      client.on("coaching:message", (message, frame) => {
        if (message.part === undefined && live.isOwn(frame)) received.current?.(message);
      }),
    [client, live, received],
  );

  const requestHint = useCallback<CoachingHandle["requestHint"]>(
    (questionId, options = {}) => act((of) => of.request("coaching:hint", { questionId, ...options })),
    [act],
  );
  const requestStrategy = useCallback<CoachingHandle["requestStrategy"]>(
    (about) => act((of) => of.request("coaching:strategy", typeof about === "string" ? { questionId: about } : about)),
    [act],
  );
  const getUnreadCount = useCallback(() => live.coaching.get().unread, [live]);
  const markRead = useCallback<CoachingHandle["markRead"]>(
    (ids) => act((of) => of.request("coaching:read", { ids })),
    [act],
  );
  const send = useCallback<CoachingHandle["send"]>(
    (text, questionId) => act((of) => of.request("coaching:message", { text, questionId })),
    [act],
  );
  const focus = useCallback<CoachingHandle["focus"]>(
    (questionId, details = {}) => act((of) => of.request("coaching:focus", { questionId, ...details })),
    [act],
  );

  return {
    coaching: state,
    isConnected,
    error,
    requestHint,
    requestStrategy,
    getUnreadCount,
    markRead,
    send,
    focus,
  };
}
