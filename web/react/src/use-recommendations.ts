/** `useRealTimeRecommendations`: what to practise next. */

"use client";

import type { Acks, BonsaiError, Payloads } from "@bonsai/client";
import { useCallback, useEffect, useRef } from "react";
import type { ClientSource } from "./context.tsx";
import { useLive } from "./use-live.ts";
import { useLatest } from "./use-web-socket.ts";

/** Options of `useRealTimeRecommendations`. */
export interface RecommendationsOptions extends ClientSource {
  /** Connect when mounted, and ask once, unless some are there. Default true. */
  autoRequest?: boolean | undefined;
  /** Ask anew every so many milliseconds while the page is seen; not in a mock test, whose module that would end. 0, the default: only when told to. */
  refreshInterval?: number | undefined;
  /** What to ask for: mode, count, preferences, ... */
  request?: Payloads.RecsRequest | undefined;
  /** Called with each new list. */
  onRecommendationsReceived?:
    | ((recommendations: Payloads.RecsRecommended[], update: Payloads.RecsUpdate) => void)
    | undefined;
}

/** What `useRealTimeRecommendations` returns. */
export interface RecommendationsHandle {
  /** Questions, best first, each with its reason. */
  recommendations: Payloads.RecsRecommended[];
  /** The update that they came with: mode, revision, a diagnosis or mock test under way. */
  update: Payloads.RecsUpdate | undefined;
  isConnected: boolean;
  error: BonsaiError | undefined;
  /** Ask; the list follows. Without a request: as in the options. */
  requestRecommendations: (request?: Payloads.RecsRequest) => Promise<Acks["recommendations:request"]>;
}

const NONE: Payloads.RecsRecommended[] = [];

/** Recommended questions, updated by the server whenever an answer changes what is best. */
export function useRealTimeRecommendations(options: RecommendationsOptions = {}): RecommendationsHandle {
  const { autoRequest = true, refreshInterval = 0, onRecommendationsReceived, request } = options;
  const { live, isConnected, state, error, act } = useLive(options, autoRequest, (of) => of.recommendations);
  const { update } = state;
  const wanted = useLatest(request);
  const received = useLatest(onRecommendationsReceived);

  const requestRecommendations = useCallback(
    (asked: Payloads.RecsRequest | undefined = wanted.current) => {
      live.request = asked ?? {};
      return act((client) => client.request("recommendations:request", asked));
    },
    [live, act, wanted],
  );

  useEffect(() => {
    if (!autoRequest || !isConnected || live.request || live.recommendations.get().update) return;
    requestRecommendations().catch(() => {
      live.request = undefined;
    });
  }, [autoRequest, isConnected, live, requestRecommendations]);

  useEffect(() => {
    if (!refreshInterval || !isConnected) return undefined;
    const timer = setInterval(() => {
      const { update: latest } = live.recommendations.get();
      const inMockTest = latest?.mode === "mock" || live.request?.mode === "mock";
      if (document.hidden || !latest || inMockTest) return;
      act((client) => client.request("recommendations:refresh")).catch(() => undefined);
    }, refreshInterval);
    return () => clearInterval(timer);
  }, [refreshInterval, isConnected, live, act]);

  const told = useRef(update);
  useEffect(() => {
    if (!update || told.current === update) return;
    told.current = update;
    received.current?.(update.questions, update);
  }, [update, received]);

  return { recommendations: update?.questions ?? NONE, update, isConnected, error, requestRecommendations };
}
