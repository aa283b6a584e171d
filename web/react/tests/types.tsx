/** What the compiler must take, and what it must not: checked by `tsc`, never run. */

import type { BonsaiError, Joined, Payloads } from "@bonsai/client";
import {
  RealTimeDashboard,
  useLiveCoaching,
  useRealTimeAnalytics,
  useRealTimeRecommendations,
  useWebSocket,
} from "@bonsai/react";
import type { ReactNode } from "react";

export function Typed(): ReactNode {
  const { isConnected, emit, on } = useWebSocket({
    autoConnect: true,
    onConnect: (joined) => joined satisfies Joined,
    onError: (error) => error satisfies BonsaiError,
  });
  isConnected satisfies boolean;
  emit("analytics:performance", { questionId: "q", correct: true, timeSpent: 30 });
  on("analytics:update", ({ currentSession }) => currentSession.streakCount satisfies number);
  // @ts-expect-error questionId is missing
  emit("analytics:performance", { correct: true, timeSpent: 30 });

  const { recommendations, requestRecommendations } = useRealTimeRecommendations({
    autoRequest: true,
    refreshInterval: 30_000,
    onRecommendationsReceived: (received) => received satisfies Payloads.RecsRecommended[],
  });
  recommendations[0]?.reason satisfies string | undefined;
  void requestRecommendations({
    currentSkillLevel: { math: 0.6, reading: 0.7 },
    weakAreas: ["Linear functions"],
    preferences: { difficulty: 3, subjects: ["math"], timeLimit: 600 },
    context: { recentPerformance: [0.8, 0.6], studyGoals: ["a score of 1400"] },
  });

  const { coaching, requestHint, requestStrategy, getUnreadCount } = useLiveCoaching({
    autoStart: true,
    onMessageReceived: ({ type, priority, message }) => [type, priority, message] satisfies string[],
  });
  coaching.messages[0]?.isRead satisfies boolean | undefined;
  void requestHint("q").then(({ rung, text }) => [rung satisfies number, text satisfies string]);
  void requestStrategy("q").then(({ steps }) => steps satisfies string[]);
  void requestStrategy({ skill: "pacing" });
  getUnreadCount() satisfies number;

  const { analytics, recordAnswer, startSession, endSession } = useRealTimeAnalytics({
    autoStart: true,
    updateInterval: 5000,
  });
  const { questionsAnswered, correctAnswers, streakCount } = analytics.currentSession;
  [questionsAnswered, correctAnswers, streakCount, analytics.performance.overall] satisfies number[];
  void recordAnswer("q", true, 45).then(({ correct }) => correct satisfies boolean);
  void startSession().then(({ performance }) => performance.overall satisfies number);
  void endSession();
  // @ts-expect-error seconds are missing
  void recordAnswer("q", true);

  return <RealTimeDashboard userId="ada" sessionId="s1" />;
}
