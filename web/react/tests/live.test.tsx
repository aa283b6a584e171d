// @vitest-environment jsdom
/** The live hooks, with the plugins they are for. */

import { useLiveCoaching, useRealTimeAnalytics, useRealTimeRecommendations, useWebSocket } from "@bonsai/react";
import { act, waitFor } from "@testing-library/react";
import { describe, expect, test, vi } from "vitest";
import { newConfig, renderLive } from "../../testing/dom.tsx";
import { sharedServer } from "../../testing/shared.ts";

describe("useRealTimeAnalytics", () => {
  test("has zeros before the first numbers, and those of the session after each answer", async () => {
    const { config } = await newConfig();
    const { result } = renderLive(() => useRealTimeAnalytics({ autoStart: true }), config);
    expect(result.current.analytics.currentSession).toMatchObject({ questionsAnswered: 0, streakCount: 0 });
    await act(() => result.current.startSession());
    expect(result.current.isReady).toBe(true);
    for (const correct of [true, false, true, true]) {
      const graded = await act(() => result.current.recordAnswer("q1", correct, 40, { skill: "Linear functions" }));
      expect(graded).toEqual({ correct });
    }
    await waitFor(() =>
      expect(result.current.analytics).toMatchObject({
        currentSession: { questionsAnswered: 4, correctAnswers: 3, streakCount: 2, bestStreak: 2, accuracy: 0.75 },
        performance: { overall: expect.any(Number), bySkill: { "Linear functions": { answered: 4 } } },
      }),
    );
  });

  test("answers that are recorded offline wait, and count once", async () => {
    const { config, network } = await newConfig();
    const { result } = renderLive(() => useRealTimeAnalytics(), config);
    await waitFor(() => expect(result.current.isReady).toBe(true));
    await act(() => network.refuse());
    await waitFor(() => expect(result.current.isConnected).toBe(false));
    const answers = [1, 2, 3].map((n) => result.current.recordAnswer(`q${n}`, true, 30));
    await act(() => network.admit());
    await act(() => Promise.all(answers));
    await waitFor(() => expect(result.current.analytics.currentSession.questionsAnswered).toBe(3));
  });

  test("a refused answer is told, also to who does not wait for it", async () => {
    const { config } = await newConfig();
    const { result } = renderLive(() => useRealTimeAnalytics(), config);
    await waitFor(() => expect(result.current.isReady).toBe(true));
    act(() => void result.current.recordAnswer("q1", undefined, 30));
    await waitFor(() => expect(result.current.error).toMatchObject({ code: "invalid_payload" }));
    await act(() => result.current.recordAnswer("q1", true, 30));
    expect(result.current.error).toBeUndefined();
  });

  test("endSession resolves with the summary, and all components have it", async () => {
    const { config } = await newConfig();
    const { result } = renderLive(() => [useRealTimeAnalytics(), useRealTimeAnalytics()] as const, config);
    await act(() => result.current[0].recordAnswer("q1", true, 30));
    const summary = await act(() => result.current[0].endSession("done"));
    expect(summary).toMatchObject({ analytics: { questionsAnswered: 1, correctAnswers: 1 } });
    await waitFor(() => expect(result.current[1].summary).toEqual(summary));
  });

  test("progress is asked for every updateInterval", async () => {
    const { config } = await newConfig();
    const { result } = renderLive(() => useRealTimeAnalytics({ updateInterval: 50 }), config);
    await waitFor(() => expect(result.current.progress?.totals.answered).toBe(0));
    await act(() => result.current.recordAnswer("q1", true, 30));
    await waitFor(() => expect(result.current.progress?.totals.answered).toBe(1));
  });

  test("autoStart: false waits for startSession", async () => {
    const { config } = await newConfig();
    const { result } = renderLive(() => useRealTimeAnalytics({ autoStart: false }), config);
    expect(result.current.isConnected).toBe(false);
    const numbers = await act(() => result.current.startSession());
    expect(numbers.currentSession.questionsAnswered).toBe(0);
    expect(result.current.isConnected).toBe(true);
  });

  test("a component that is mounted later sees what was told before", async () => {
    const { config } = await newConfig();
    const first = renderLive(() => useWebSocket(), config);
    await waitFor(() => expect(first.result.current.isConnected).toBe(true));
    await act(() =>
      first.result.current.request("analytics:performance", { questionId: "q1", correct: true, timeSpent: 30 }),
    );
    const second = renderLive(() => useRealTimeAnalytics(), config);
    await waitFor(() => expect(second.result.current.analytics.currentSession.questionsAnswered).toBe(1));
  });
});

describe("useRealTimeRecommendations", () => {
  test("asks once by itself, for all components together", async () => {
    const { config } = await newConfig();
    const onRecommendationsReceived = vi.fn();
    const { result } = renderLive(() => {
      const first = useRealTimeRecommendations({ autoRequest: true, onRecommendationsReceived });
      return [first, useRealTimeRecommendations()] as const;
    }, config);
    await waitFor(() => expect(result.current[0].recommendations).toHaveLength(5));
    expect(result.current[1].recommendations).toBe(result.current[0].recommendations);
    expect(result.current[0].update?.revision).toBe(1);
    expect(onRecommendationsReceived).toHaveBeenCalledTimes(1);
    expect(onRecommendationsReceived).toHaveBeenCalledWith(
      result.current[0].recommendations,
      expect.objectContaining({ mode: "practice" }),
    );
    expect(result.current[0].recommendations[0]).toMatchObject({
      stem: expect.any(String),
      reason: expect.any(String),
    });
  });

  test("requestRecommendations asks for what is wanted", async () => {
    const { config } = await newConfig();
    const { result } = renderLive(() => useRealTimeRecommendations({ autoRequest: false }), config);
    const accepted = await act(() =>
      result.current.requestRecommendations({ count: 3, preferences: { subjects: ["math"] } }),
    );
    expect(accepted).toMatchObject({ count: 3, mode: "practice" });
    await waitFor(() => expect(result.current.recommendations).toHaveLength(3));
    expect(new Set(result.current.recommendations.map(({ subject }) => subject))).toEqual(new Set(["math"]));
  });

  test("refreshInterval asks anew, but never in a mock test", async () => {
    const { config } = await newConfig();
    const request = { count: 2 };
    const { result } = renderLive(() => useRealTimeRecommendations({ request, refreshInterval: 50 }), config);
    await waitFor(() => expect(result.current.update?.revision).toBeGreaterThan(1));
    await act(() => result.current.requestRecommendations({ mode: "mock" }));
    await waitFor(() => expect(result.current.update?.mode).toBe("mock"));
    const { revision } = result.current.update ?? {};
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(result.current.update).toMatchObject({ revision, mode: "mock" });
  });
});

describe("useLiveCoaching", () => {
  test("hints come rung by rung, for all components", async () => {
    const { config } = await newConfig();
    const { result } = renderLive(
      () => ({ recs: useRealTimeRecommendations(), coach: useLiveCoaching(), other: useLiveCoaching() }),
      config,
    );
    await waitFor(() => expect(result.current.recs.recommendations.length).toBeGreaterThan(0));
    const { id } = result.current.recs.recommendations[0] as { id: string };
    await act(() => result.current.coach.focus(id));
    const first = await act(() => result.current.coach.requestHint(id));
    expect(first).toMatchObject({ questionId: id, rung: 1, text: expect.any(String) });
    const second = await act(() => result.current.coach.requestHint(id));
    expect(second.rung).toBe(2);
    await act(() => result.current.coach.requestHint(id, { rung: 1 }));
    await waitFor(() =>
      expect(result.current.other.coaching.hints[id]?.map(({ rung }) => rung).sort()).toEqual([1, 2]),
    );
  });

  test("a strategy by its skill; one that is unknown is refused with those there are", async () => {
    const { config } = await newConfig();
    const { result } = renderLive(() => useLiveCoaching(), config);
    const strategy = await act(() => result.current.requestStrategy({ skill: "pacing" }));
    expect(strategy.steps.length).toBeGreaterThan(0);
    await waitFor(() => expect(result.current.coaching.strategy).toEqual(strategy));
    await act(() => expect(result.current.requestStrategy({ skill: "juggling" })).rejects.toThrowError());
    expect(result.current.error).toMatchObject({ code: "unknown_skill" });
  });

  test("messages arrive, are counted, and are read on all devices", async () => {
    const { config, userId } = await newConfig();
    const onMessageReceived = vi.fn();
    const { result } = renderLive(() => useLiveCoaching({ autoStart: true, onMessageReceived }), config);
    await waitFor(() => expect(result.current.isConnected).toBe(true));
    const { reply } = await act(() => result.current.send("I am stuck, what should I do?"));
    expect(reply).toBeDefined();
    await waitFor(() => expect(result.current.coaching.messages.some(({ id }) => id === reply)).toBe(true));
    expect(onMessageReceived).toHaveBeenCalledWith(expect.objectContaining({ id: reply }));
    expect(result.current.getUnreadCount()).toBeGreaterThan(0);
    expect(result.current.coaching.unread).toBe(result.current.getUnreadCount());

    const phone = await newConfig();
    const other = renderLive(() => useLiveCoaching(), {
      ...phone.config,
      auth: { ...config.auth, userId, sessionId: `another-${userId}` },
    });
    await waitFor(() => expect(other.result.current.getUnreadCount()).toBe(result.current.getUnreadCount()));
    await act(() => result.current.markRead());
    await waitFor(() => expect(other.result.current.getUnreadCount()).toBe(0));
    await waitFor(() => expect(result.current.coaching.messages.every(({ isRead }) => isRead)).toBe(true));
  });

  test("a tutor who watches a student does not take the student's messages for their own", async () => {
    const [student, tutor] = [await newConfig(), await newConfig()];
    const token = await sharedServer().token({ userId: tutor.userId, roles: ["tutor"], students: [student.userId] });
    const tutorConfig = { ...tutor.config, auth: { ...tutor.config.auth, token } };
    const learning = renderLive(() => [useLiveCoaching(), useRealTimeAnalytics()] as const, student.config);
    await waitFor(() => expect(learning.result.current[1].isReady).toBe(true));
    const onMessageReceived = vi.fn();
    const teaching = renderLive(() => {
      const { request, on } = useWebSocket();
      return { request, on, coach: useLiveCoaching({ onMessageReceived }), numbers: useRealTimeAnalytics() };
    }, tutorConfig);
    await waitFor(() => expect(teaching.result.current.numbers.isReady).toBe(true));
    const seen: string[] = [];
    teaching.result.current.on("*", (_, { event, room }) => room?.includes(student.userId) && seen.push(event));
    const { userId = "", sessionId } = student.config.auth ?? {};
    await act(() => teaching.result.current.request("coaching:watch", { userId, sessionId }));
    await act(() => learning.result.current[0].send("I am stuck, what should I do?"));
    await act(() => learning.result.current[1].recordAnswer("q1", true, 30));
    await waitFor(() => expect(seen).toEqual(expect.arrayContaining(["coaching:message", "analytics:update"])));
    expect(teaching.result.current.coach.coaching.messages).toEqual([]);
    expect(teaching.result.current.numbers.analytics.currentSession.questionsAnswered).toBe(0);
    expect(onMessageReceived).not.toHaveBeenCalled();
  });
});
